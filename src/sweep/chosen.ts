/** @file Whether every trial of a sweep can be chosen by its metric, whatever its values make of the recipe. */
import type { Params } from '../plugin/contract.ts'
import { type Problem, RecipeError } from '../recipe/errors.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { checkMetric, checkWatch, evaluationMaker, type Finding } from './metric.ts'

/** A key of the sweep file and the metric that it names. */
export interface Chooser {
  readonly key: string
  readonly metric: string
  /** Whether trials are ended by it while they train, rather than chosen by it at their end. */
  readonly watched: boolean
}

interface Found {
  readonly chooser: Chooser
  readonly finding: Finding
  /** The trials that have it. */
  readonly trials: Params[]
}

/** Parameters that decide what is measured. */
const MEASURED = /^(eval|dataset|train\.eval_every)\b/

/** Of the values of many trials those that differ in what is measured. */
export function measuredApart(trials: readonly Params[]): readonly Params[] {
  const measured = (params: Params) => Object.entries(params).filter(([path]) => MEASURED.test(path))
  return [...new Map(trials.map((params) => [JSON.stringify(measured(params)), params])).values()]
}

/** Looks at recipe after recipe as trials would have them. */
export class ChosenBy {
  readonly #choosers: readonly Chooser[]
  readonly #make = evaluationMaker()
  readonly #found = new Map<string, Found>()
  #looked = 0

  constructor(choosers: readonly Chooser[]) {
    this.#choosers = choosers
  }

  async look(resolved: ResolvedRecipe, params: Params): Promise<void> {
    this.#looked++
    for (const chooser of this.#choosers) {
      const { key, metric, watched } = chooser
      const finding = watched
        ? checkWatch(metric, resolved.recipe)
        : await checkMetric(metric, resolved, this.#make)
      if (finding === undefined) continue
      const same = `${key} ${finding.message}`
      const found = this.#found.get(same) ?? { chooser, finding, trials: [] }
      found.trials.push(params)
      this.#found.set(same, found)
    }
  }

  /** What was found, each once, with the values that lead to it where not every trial has it. */
  problems(): readonly Omit<Problem, 'file' | 'line' | 'col'>[] {
    return [...this.#found.values()].map(({ chooser: { key }, finding, trials }) => {
      const values = Object.entries(trials[0]!).filter(([path]) => MEASURED.test(path))
      const shown = values.map(([path, value]) => `${path}=${JSON.stringify(value)}`).join(' ')
      const where = trials.length < this.#looked && shown !== '' ? ` (in trials with ${shown})` : ''
      return { ...finding, path: key, message: finding.message + where }
    })
  }
}

/**
 * The same for a trial that is about to train: what its recipe and its files say now decides.
 * @throws RecipeError where it must not be chosen by `metric`, or does not measure it
 */
export async function refuseChosen(metric: string, resolved: ResolvedRecipe): Promise<void> {
  const finding = await checkMetric(metric, resolved, evaluationMaker())
  if (finding === undefined) return
  throw new RecipeError([{ file: resolved.file, line: 1, col: 1, path: '', ...finding }])
}
