/** @file What listens between two steps of a run: guards, then what is measured, then what decides by it. */
import type { EvalOutcome, RunEventBody } from '../plugin/contract.ts'
import { HOLDOUT, TRAIN } from '../recipe/names.ts'
import { logScoring } from '../track/scorings.ts'
import { earlyStoppingHook } from '../train/early-stopping.ts'
import { lossGuard } from '../train/guards/loss.ts'
import { nonfiniteGuard } from '../train/guards/nonfinite.ts'
import { rateGuard } from '../train/guards/rate.ts'
import { unchangedGuard } from '../train/guards/unchanged.ts'
import { measureHook, trainLossHook } from '../train/measure.ts'
import { type Measurement, MetricWatch, splitMetric } from '../train/metric-watch.ts'
import type { StepHook } from '../train/state.ts'
import { type EvaluateContext, evaluateInTraining, holdoutLoss, plainScores } from './evaluate.ts'

/** In the order in which they are asked after each step. */
export function hooksOf(context: EvaluateContext): readonly StepHook[] {
  const { early_stopping } = context.recipe
  const watch = early_stopping && new MetricWatch(early_stopping.metric)
  return [
    ...guards(context),
    ...measurements(context, watch),
    ...(early_stopping && watch ? [earlyStoppingHook(early_stopping, (step) => watch.at(step))] : []),
  ]
}

function guards({ recipe, engine, stages, log }: EvaluateContext): readonly StepHook[] {
  const { train, optimizer, checkpoint } = recipe
  const lr = Number(optimizer.lr)
  return [
    nonfiniteGuard(train, checkpoint.every ?? Number.POSITIVE_INFINITY, log.warn),
    rateGuard(stages.schedule, lr, log.warn),
    unchangedGuard(engine.executor, lr, log.warn),
    lossGuard(log.warn),
  ]
}

/** The holdout's loss and the evaluations that have `every`; what is watched is measured at the end too. */
function measurements(context: EvaluateContext, watch: MetricWatch | undefined): readonly StepHook[] {
  const { recipe, engine, data, stages, log } = context
  const [watched] = splitMetric(recipe.early_stopping?.metric ?? '')
  const emit = (event: RunEventBody) => log.events.emit(event)
  const told = (name: string) => (step: number, measurement: Measurement) => {
    emit({ type: 'eval', step, name, scores: measurement.scores })
    watch?.note(name, step, measurement)
  }
  const scored = (name: string) => (step: number, measurement: Measurement) => {
    const items = measurement.scores.n ?? 0
    logScoring(log.folder.file('eval'), { name, which: 'tuned', items, model: '', step })
    told(name)(step, measurement)
  }
  const hooks: StepHook[] = []
  const { eval_every: every, eval_rows } = recipe.train
  const { holdout } = data
  if (every !== undefined && holdout) {
    const loss = async () => ({ loss: await holdoutLoss(engine, holdout, eval_rows) })
    const measure = async (): Promise<Measurement> => ({
      scores: await loss(),
      metric: 'loss',
      better: 'lower',
    })
    hooks.push(measureHook({ name: HOLDOUT, every, atEnd: true }, measure, told(HOLDOUT)))
  }
  for (const { name, every: often, evaluation } of stages.evaluations) {
    if (often === undefined) continue
    const measure = async () => measurementOf(await evaluateInTraining(name, evaluation, context))
    hooks.push(
      measureHook({ name: `eval.${name}`, every: often, atEnd: name === watched }, measure, scored(name)),
    )
  }
  if (watched === TRAIN && every !== undefined && watch) {
    hooks.push(trainLossHook(every, (step, measurement) => watch.note(TRAIN, step, measurement)))
  }
  return hooks
}

function measurementOf(outcome: EvalOutcome): Measurement {
  return { scores: plainScores(outcome), metric: outcome.metric, better: outcome.better }
}
