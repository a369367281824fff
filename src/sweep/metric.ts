/** @file What trials are chosen by: which names a recipe measures, when, and which of them nothing may be chosen by. */
import type { Problem } from '../recipe/errors.ts'
import type { Recipe, StageUse } from '../recipe/recipe.ts'
import { nearest } from '../util/nearest.ts'

/** Measured while a trial trains, so that a pruner can watch it. */
const HOLDOUT = 'holdout.loss'
const TRAIN = 'train.loss'

export type Finding = Pick<Problem, 'message' | 'suggestion' | 'allowed'>

/** What an evaluation is called in reports. */
export function evaluationName(use: StageUse): string {
  return typeof use.name === 'string' ? use.name : use.use
}

/** What is wrong with choosing by `metric`; undefined where nothing is. `paths` are what trials change. */
export function checkMetric(metric: string, recipe: Recipe, paths: readonly string[]): Finding | undefined {
  if (metric === HOLDOUT) return checkHoldout(recipe, paths)
  if (metric.startsWith('train.')) return undefined
  const names = recipe.eval.map(evaluationName)
  const use = recipe.eval.find((_, i) => metric === names[i] || metric.startsWith(`${names[i]}.`))
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
  if (!test) return undefined
  return {
    message:
      `"${evaluationName(use)}" scores ${test}: choosing by it makes the test part of training, and its score ` +
      'means nothing afterwards. Choose by validation data (holdout.loss, or a split that is not the test), and score the winner on the test once',
  }
}

function checkHoldout({ train }: Recipe, paths: readonly string[]): Finding | undefined {
  if (train.eval_every !== undefined || paths.includes('train.eval_every')) return undefined
  return {
    message:
      'holdout.loss is measured only where the recipe has train.eval_every; set it there, or as a parameter of one value',
  }
}

/** What makes an evaluation one of a test split, in words; undefined where nothing says so. */
function testSplit(use: StageUse): string | undefined {
  const split = ['split', 'config'].find((key) => isTest(use[key]))
  if (split) return `the ${split} "${use[split]}"`
  const file = ['path', 'repo', 'task'].find((key) => isTest(use[key]))
  if (file) return `${file} "${use[file]}", a test by its name`
  return isTest(use.name) ? 'a test by its name' : undefined
}

/** `test`, `test_a`, `data/test.jsonl`; not `latest` or `contest`. */
function isTest(value: unknown): boolean {
  return typeof value === 'string' && /(^|[^a-z])tests?([^a-z]|$)/i.test(value)
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
