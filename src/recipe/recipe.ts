/** @file READ FIRST. What a recipe is, and how one is read: parse, extend, override, check, freeze. */
import type { Registry } from '../plugin/registry.ts'
import type { RecipeError } from './errors.ts'

/** One stage: the plugin's name and its options, defaults filled in. */
export interface StageUse {
  readonly use: string
  readonly [option: string]: unknown
}

export interface TrainOptions {
  readonly epochs: number
  /** Optimizer steps; set, it decides instead of `epochs`. */
  readonly steps?: number
  readonly batch_size: number
  readonly accumulate: number
  readonly max_length: number
  readonly over_length: 'drop' | 'truncate' | 'error'
  readonly pack: boolean
  /** Largest global gradient norm; 0 does not clip. */
  readonly clip: number
  readonly precision: 'auto' | 'fp32' | 'bf16'
  readonly shuffle: boolean
  /** Of more than 1000 rows: shuffled window by window while others are tokenised, or all together. */
  readonly order: 'stream' | 'whole'
  /** What happens where a loss or gradient is no number; see `NonfiniteOptions`. */
  readonly on_nonfinite: 'stop' | 'skip' | 'rollback'
  /** Steps that `on_nonfinite` may pass over within 100 steps. */
  readonly nonfinite_limit: number
  /** What the whole process may take, such as 4GB; most of the free memory if left out. */
  readonly memory?: string
  /** Whether the activations of a layer are computed again in the backward pass; auto: where they do not fit. */
  readonly recompute: boolean | 'auto'
  /** Optimizer steps between holdout losses; left out, only before and after. */
  readonly eval_every?: number
  /** Held-out rows that this loss is taken over; all if left out. */
  readonly eval_rows?: number
}

/** See `EarlyStoppingOptions`. */
export interface EarlyStopping {
  readonly metric: string
  readonly goal?: 'minimize' | 'maximize'
  readonly patience?: number
  readonly min_delta: number
}

export interface CheckpointOptions {
  /** Optimizer steps between two checkpoints. */
  readonly every?: number
  /** Minutes between two checkpoints; 0: none by time. */
  readonly minutes: number
  /** How many are kept, beside the best; 0: none is made. */
  readonly keep: number
}

export interface SampleOptions {
  /** Optimizer steps between two rounds; left out, only before the first step and after the last. */
  readonly every?: number
  readonly prompts: readonly string[]
  readonly max_tokens: number
}

export interface Recipe {
  readonly name: string
  readonly seed: number
  readonly model: StageUse
  readonly dataset: StageUse
  readonly template: StageUse
  readonly adapter: StageUse
  readonly optimizer: StageUse
  readonly schedule: StageUse
  readonly compute: StageUse
  readonly train: TrainOptions
  readonly checkpoint: CheckpointOptions
  readonly early_stopping?: EarlyStopping
  /** What the model is asked while it learns. */
  readonly samples?: SampleOptions
  readonly eval: readonly StageUse[]
  readonly trackers: readonly StageUse[]
  readonly exports: readonly StageUse[]
  readonly plugins: readonly string[]
}

export interface ResolvedRecipe {
  /** Deep-frozen, defaults and overrides applied. */
  readonly recipe: Recipe
  /** sha256 (hex) of the recipe's canonical JSON. */
  readonly hash: string
  readonly file: string
  readonly dir: string
  /** The recipe's own file as written. */
  readonly source: string
  readonly overrides: readonly string[]
  readonly registry: Registry
  /** A mistake that shows only later (a column that is missing), placed where the option at `path` was written. */
  error(path: string, message: string): RecipeError
  /** Where relative paths of the option at `path` start: the file that wrote it, or the working directory for an override. */
  baseDir(path: string): string
}

/**
 * Reads a recipe: a path, or the bare name of one that ships in the package.
 * @param base where relative paths in overrides start; the working directory if left out
 * @throws RecipeError with every mistake at once.
 */
export async function loadRecipe(
  target: string,
  overrides: readonly string[] = [],
  base?: string,
): Promise<ResolvedRecipe> {
  const { resolveRecipe } = await import('./resolve.ts')
  return resolveRecipe(target, overrides, undefined, base)
}
