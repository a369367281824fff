/** @file The rows of a run: what is trained on, what is held out, and what became of them on the way. */
import {
  type Census,
  type EncodedSplit,
  encodeSplit,
  heldOut,
  openTokenizer,
  type Tokenizer,
} from '../data/index.ts'
import type { Dataset, Model, Split, StageContext } from '../plugin/contract.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { cacheFolder } from '../util/cache-folder.ts'
import type { RunStages } from './stages.ts'

export interface RunData {
  readonly tokenizer: Tokenizer
  readonly train: EncodedSplit
  /** Undefined where nothing is held out. */
  readonly holdout: EncodedSplit | undefined
  /** Aborts as soon as a row of either split cannot be tokenised: training may be hours away from it. */
  readonly failed: AbortSignal
  close(): Promise<void>
}

/** The dataset with its holdout cut off and its limit applied. */
export function splitDataset({ recipe }: ResolvedRecipe, dataset: Dataset): Dataset {
  const { holdout, limit } = recipe.dataset as { readonly holdout?: number; readonly limit?: number }
  return heldOut(dataset, { holdout: holdout ?? 0, limit, seed: recipe.seed })
}

/** Whether rows are held out: cut off, or brought by the dataset. */
export function hasHoldout({ recipe }: ResolvedRecipe, { dataset }: Pick<RunStages, 'dataset'>): boolean {
  return dataset.ownHoldout === true || Number(recipe.dataset.holdout ?? 0) > 0
}

/** Starts tokenising both splits; training may begin as soon as the first window is there. */
export async function openData(
  resolved: ResolvedRecipe,
  stages: RunStages,
  dataset: Dataset,
  model: Model,
  warn: StageContext['warn'],
): Promise<RunData> {
  const { recipe } = resolved
  const encode = (split: Split): Promise<EncodedSplit> =>
    encodeSplit({
      dataset,
      split,
      template: stages.template,
      tokenizer: model.folder,
      vocabSize: model.vocabSize,
      maxLength: recipe.train.max_length,
      overLength: recipe.train.over_length,
      shuffle: split === 'train' && recipe.train.shuffle && recipe.train.order === 'stream',
      seed: recipe.seed,
      cacheDir: cacheFolder('tokens'),
    })
  const tokenizer = await openTokenizer(model.folder)
  const train = await encode('train')
  const holdout = hasHoldout(resolved, stages) ? await encode('holdout') : undefined
  const failure = new AbortController()
  for (const [name, split] of [
    ['train', train],
    ['holdout', holdout],
  ] as const) {
    void split?.census.then(
      (census) => warnOfLosses(name, census, warn),
      (error) => failure.abort(error),
    )
  }
  return {
    tokenizer,
    train,
    holdout,
    failed: failure.signal,
    close: async () => {
      await Promise.all([train.close(), holdout?.close()])
    },
  }
}

/** Says what part of a split will not be learned from as it stands. */
export function warnOfLosses(split: Split, census: Census, warn: StageContext['warn']): void {
  const { rows, truncated, dropped, unlabelled, longest } = census
  const part = (count: number, what: string): string => `${split}: ${count} of ${rows} rows ${what}`
  if (truncated > 0)
    warn('truncated', part(truncated, `were cut to train.max_length (the longest has ${longest} tokens)`))
  if (dropped > 0)
    warn(
      'dropped',
      part(dropped, `were longer than train.max_length and left out (the longest has ${longest} tokens)`),
    )
  if (unlabelled > 0) warn('unlabelled', part(unlabelled, 'had no token left to learn and were left out'))
}
