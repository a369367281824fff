/** @file What trials are chosen by: which names a recipe measures, when, and which of them nothing may be chosen by. */
import type { Evaluation } from '../plugin/contract.ts'
import { createStage } from '../recipe/create.ts'
import type { Problem } from '../recipe/errors.ts'
import { HOLDOUT, stageName, TRAIN } from '../recipe/names.ts'
import type { Recipe, ResolvedRecipe } from '../recipe/recipe.ts'
import { chosenByTest, testHoldout, testSplit } from '../recipe/test-split.ts'
import { nearest } from '../util/nearest.ts'

/** Measured while a trial trains, so that a pruner can watch it. */
const HOLDOUT_LOSS = `${HOLDOUT}.loss`
const TRAIN_LOSS = `${TRAIN}.loss`

export type Finding = Pick<Problem, 'message' | 'suggestion' | 'allowed'>

/** Gives the evaluation at an index of a recipe's list; undefined where it cannot be made. */
export type MakeEvaluation = (resolved: ResolvedRecipe, index: number) => Promise<Evaluation | undefined>

/** Makes evaluations to ask what they know of their items, each once however many trials have it. */
export function evaluationMaker(): MakeEvaluation {
  const made = new Map<string, Promise<Evaluation | undefined>>()
  return (resolved, index) => {
    const path = `eval.${index}`
    const key = JSON.stringify([resolved.recipe.eval[index], resolved.recipe.seed, resolved.baseDir(path)])
    // Its own mistakes are told where it is run.
    const found = made.get(key) ?? createStage(resolved, 'eval', path, () => {}).catch(() => undefined)
    made.set(key, found)
    return found
  }
}

/** What is wrong with choosing a trial of this recipe by `metric`; undefined where nothing is. */
export async function checkMetric(
  metric: string,
  resolved: ResolvedRecipe,
  make: MakeEvaluation,
): Promise<Finding | undefined> {
  const { recipe } = resolved
  const index = measuredBy(metric, recipe)
  if (index < 0) {
    if (metric === HOLDOUT_LOSS) return checkHoldout(recipe)
    return metric.startsWith(`${TRAIN}.`) ? undefined : notMeasured(metric, recipe)
  }
  return chosenByEvaluation(resolved, index, make)
}

/** What is wrong with choosing by an evaluation of the recipe; undefined where it is no test. */
async function chosenByEvaluation(
  resolved: ResolvedRecipe,
  index: number,
  make: MakeEvaluation,
): Promise<Finding | undefined> {
  const { recipe } = resolved
  const use = recipe.eval[index]!
  const made = testSplit(use) === undefined ? await make(resolved, index) : undefined
  // A task's file may name a test split.
  const test = testSplit(use) ?? made?.test ?? (made?.needsHoldout ? testHoldout(recipe.dataset) : undefined)
  return test === undefined ? undefined : { message: chosenByTest(stageName(use), test) }
}

/** The same for a figure that trials are weighed by beside their metric: anything that is no score of a test will do. */
export async function checkBeside(figure: string, resolved: ResolvedRecipe): Promise<Finding | undefined> {
  const index = measuredBy(figure, resolved.recipe)
  if (index < 0) return figure === HOLDOUT_LOSS ? heldOutTest(resolved.recipe) : undefined
  return chosenByEvaluation(resolved, index, evaluationMaker())
}

function notMeasured(metric: string, { eval: evaluations }: Recipe): Finding {
  const allowed = [HOLDOUT_LOSS, TRAIN_LOSS, ...evaluations.map(stageName)]
  const suggestion = nearest(metric, allowed)
  return {
    message: `the recipe does not measure "${metric}"`,
    ...(suggestion ? { suggestion } : {}),
    allowed,
  }
}

/** Index of the evaluation that a metric is of; -1 where it is of none. */
function measuredBy(metric: string, { eval: evaluations }: Recipe): number {
  const names = evaluations.map(stageName)
  return names.findIndex((name) => metric === name || metric.startsWith(`${name}.`))
}

function heldOutTest({ dataset }: Recipe): Finding | undefined {
  const test = testHoldout(dataset)
  return test === undefined ? undefined : { message: chosenByTest(HOLDOUT_LOSS, test) }
}

function checkHoldout(recipe: Recipe): Finding | undefined {
  const { train } = recipe
  const test = heldOutTest(recipe)
  if (test !== undefined) return test
  if (train.eval_every !== undefined) return undefined
  return {
    message:
      'holdout.loss is measured only where the recipe has train.eval_every; set it there, or as a parameter of one value',
  }
}

/** What is wrong with watching `metric` while a trial of this recipe trains. */
export function checkWatch(metric: string, recipe: Recipe): Finding | undefined {
  if (metric === HOLDOUT_LOSS) return checkHoldout(recipe)
  if (metric === TRAIN_LOSS) return undefined
  return {
    message: `"${metric}" is not measured while a trial trains, so no trial can be ended by it: set early_terminate.metric`,
    allowed: [HOLDOUT_LOSS, TRAIN_LOSS],
  }
}

/** Whether lower is better for what a pruner watches: a loss is, whatever the sweep's own metric. */
export function watchGoal(
  watch: string,
  metric: { readonly name: string; readonly goal: 'minimize' | 'maximize' },
) {
  return watch === metric.name ? metric.goal : 'minimize'
}
