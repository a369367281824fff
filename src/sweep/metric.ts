/** @file What trials are chosen by: which names a recipe measures, when, and which of them nothing may be chosen by. */
import type { Problem } from '../recipe/errors.ts'
import type { Recipe } from '../recipe/recipe.ts'
import { chosenByTest, evaluationName, testSplit } from '../recipe/test-split.ts'
import { nearest } from '../util/nearest.ts'

/** Measured while a trial trains, so that a pruner can watch it. */
const HOLDOUT = 'holdout.loss'
const TRAIN = 'train.loss'

export type Finding = Pick<Problem, 'message' | 'suggestion' | 'allowed'>

/** What is wrong with choosing by `metric`; undefined where nothing is. `paths` are what trials change. */
export function checkMetric(metric: string, recipe: Recipe, paths: readonly string[]): Finding | undefined {
  if (metric === HOLDOUT) return checkHoldout(recipe, paths)
  if (metric.startsWith('train.')) return undefined
  const names = recipe.eval.map(evaluationName)
  const use = recipe.eval[measuredBy(metric, recipe)]
  if (!use) {
    const allowed = [HOLDOUT, TRAIN, ...names]
    const suggestion = nearest(metric, allowed)
    return {
      message: `the recipe does not measure "${metric}"`,
      ...(suggestion ? { suggestion } : {}),
      allowed,
    }
  }
  const test = testSplit(use)
  return test === undefined ? undefined : { message: chosenByTest(use, test) }
}

/** Index of the evaluation that a metric is of; -1 where it is of none. */
export function measuredBy(metric: string, { eval: evaluations }: Recipe): number {
  const names = evaluations.map(evaluationName)
  return names.findIndex((name) => metric === name || metric.startsWith(`${name}.`))
}

function checkHoldout({ train }: Recipe, paths: readonly string[]): Finding | undefined {
  if (train.eval_every !== undefined || paths.includes('train.eval_every')) return undefined
  return {
    message:
      'holdout.loss is measured only where the recipe has train.eval_every; set it there, or as a parameter of one value',
  }
}

/** What is wrong with watching `metric` during training. */
export function checkWatch(metric: string, recipe: Recipe, paths: readonly string[]): Finding | undefined {
  if (metric === HOLDOUT) return checkHoldout(recipe, paths)
  if (metric === TRAIN) return undefined
  return {
    message: `"${metric}" is not measured while a trial trains, so no trial can be ended by it: set early_terminate.metric`,
    allowed: [HOLDOUT, TRAIN],
  }
}

/** Whether lower is better for what a pruner watches: a loss is, whatever the sweep's own metric. */
export function watchGoal(
  watch: string,
  metric: { readonly name: string; readonly goal: 'minimize' | 'maximize' },
) {
  return watch === metric.name ? metric.goal : 'minimize'
}
