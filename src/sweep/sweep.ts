/** @file READ FIRST. What a sweep is: a recipe, parameters of it to vary, and what to choose by. */
import type { Pruner, Sampler, Space, TrialExecutorSource } from '../plugin/contract.ts'
import type { ResolvedRecipe, StageUse } from '../recipe/recipe.ts'
import type { SweepMetric } from '../track/sweep-journal.ts'

/** A sweep file as validated, defaults filled in. */
export interface SweepSpec {
  readonly name: string
  readonly recipe: string
  readonly seed: number
  readonly metric: SweepMetric
  readonly parameters: Readonly<Record<string, unknown>>
  readonly method: StageUse
  readonly early_terminate: StageUse
  readonly executor: StageUse
  readonly run_cap?: number
  readonly time_cap?: number | string
  readonly workers: number
  readonly retries: number
  /** Failed trials in a row after which the sweep gives up. */
  readonly max_failures?: number
  readonly lease: number
  readonly plugins: readonly string[]
}

export interface ResolvedSweep {
  /** Deep-frozen, defaults and overrides applied. */
  readonly spec: SweepSpec
  readonly space: Space
  /** The recipe that trials change, without any of their values. */
  readonly base: ResolvedRecipe
  /** How many trials there are to be; undefined where only time ends the sweep. */
  readonly trials: number | undefined
  /** Seconds after which no trial is started. */
  readonly seconds: number | undefined
  /** What the pruner watches. */
  readonly watch: string
  readonly file: string
  readonly dir: string
  /** The sweep's own file as written. */
  readonly source: string
  readonly sampler: Sampler
  readonly pruner: Pruner
  readonly executor: TrialExecutorSource
}

/**
 * Reads a sweep: a path, or the bare name of one that ships in the package.
 * @throws RecipeError with every mistake of the sweep, its recipe and its values at once
 */
export async function loadSweep(target: string, overrides: readonly string[] = []): Promise<ResolvedSweep> {
  const { resolveSweep } = await import('./resolve.ts')
  return resolveSweep(target, overrides)
}
