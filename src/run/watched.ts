/** @file Whether the metric of early stopping is one that a recipe measures while it trains. */
import { outcomeScores } from '../eval/report.ts'
import type { EvalOutcome } from '../plugin/contract.ts'
import { HOLDOUT, TRAIN } from '../recipe/names.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { chosenByTest, testHoldout, testSplit } from '../recipe/test-split.ts'
import { splitMetric } from '../train/metric-watch.ts'
import { nearest } from '../util/nearest.ts'
import type { NamedEvaluation } from './stages.ts'

const METRIC = 'early_stopping.metric'

/** @throws RecipeError where nothing measures it during training */
export function checkWatched(resolved: ResolvedRecipe, evaluations: readonly NamedEvaluation[]): void {
  const { early_stopping, train, dataset } = resolved.recipe
  if (early_stopping === undefined) return
  const { metric } = early_stopping
  const [name] = splitMetric(metric)
  if (metric === `${HOLDOUT}.loss`) refuseTest(resolved, metric, testHoldout(dataset))
  if (metric === `${HOLDOUT}.loss` || metric === `${TRAIN}.loss`) {
    if (train.eval_every !== undefined) return
    throw resolved.error(METRIC, `"${metric}" is measured only where train.eval_every is set`)
  }
  const found = evaluations.find((evaluation) => evaluation.name === name)
  if (found === undefined) {
    const allowed = [`${HOLDOUT}.loss`, `${TRAIN}.loss`, ...evaluations.map((evaluation) => evaluation.name)]
    const near = nearest(metric, allowed)
    const hint = near === undefined ? '' : `; did you mean "${near}"`
    throw resolved.error(
      METRIC,
      `the recipe does not measure "${metric}"${hint}; it has: ${allowed.join(', ')}`,
    )
  }
  const use = resolved.recipe.eval[evaluations.indexOf(found)]!
  const { test, needsHoldout } = found.evaluation
  refuseTest(resolved, name, testSplit(use) ?? test ?? (needsHoldout ? testHoldout(dataset) : undefined))
  if (found.every !== undefined) return
  throw resolved.error(
    METRIC,
    `"${name}" is measured only before and after training: set ${found.path}.every to a number of steps`,
  )
}

function refuseTest(resolved: ResolvedRecipe, name: string, test: string | undefined): void {
  if (test !== undefined) throw resolved.error(METRIC, chosenByTest(name, test))
}

/** Asked once the base model was scored. @throws RecipeError for a score that the evaluation does not give */
export function checkWatchedScore(resolved: ResolvedRecipe, base: ReadonlyMap<string, EvalOutcome>): void {
  const [name, score] = splitMetric(resolved.recipe.early_stopping?.metric ?? '')
  const outcome = base.get(name)
  if (outcome === undefined || score === undefined) return
  const scores = Object.entries(outcomeScores(outcome)).filter(([, value]) => typeof value === 'number')
  const names = scores.map(([key]) => key)
  if (names.includes(score)) return
  throw resolved.error(METRIC, `"${name}" has no score "${score}"; it has: ${names.join(', ')}`)
}
