/** @file Runs the recipe's evaluations on the base or the tuned model. */

import type { Batch, EncodedSplit } from '../data/index.ts'
import { outcomeScores } from '../eval/report.ts'
import { createScorer, SCORED_TOKENS } from '../eval/score.ts'
import type { StorePlace } from '../eval/score-store.ts'
import type { EvalOutcome, Evaluation, Model, Subject } from '../plugin/contract.ts'
import { contentHash } from '../recipe/hash.ts'
import type { Recipe } from '../recipe/recipe.ts'
import { evaluationKey } from '../track/kept-events.ts'
import { hashOutputs } from '../track/provenance.ts'
import { logScoring } from '../track/scorings.ts'
import { allDocuments, type RunData } from './data.ts'
import { readOutcome, writeOutcome } from './done-evaluations.ts'
import { type Engine, GAIN } from './engine.ts'
import type { RunOptions } from './options.ts'
import type { RunLog } from './record.ts'
import type { RunStages } from './stages.ts'
import { openSubject, storePlace } from './subject.ts'

export interface EvaluateContext {
  readonly recipe: Recipe
  readonly engine: Engine
  readonly data: RunData
  readonly model: Model
  readonly stages: RunStages
  readonly log: RunLog
  readonly onProgress: RunOptions['onProgress']
  readonly signal?: AbortSignal
}

/** Outcomes by name; each is also an event at `step` and a file of items. What an interrupted run had finished is not computed again. */
export async function evaluateAll(
  which: 'base' | 'tuned',
  step: number,
  context: EvaluateContext,
): Promise<ReadonlyMap<string, EvalOutcome>> {
  const { stages, log } = context
  const outcomes = new Map<string, EvalOutcome>()
  const weights = which === 'base' ? undefined : await hashOutputs(log.folder.path, ['adapter'])
  const { engine, model, recipe } = context
  const store = await storePlace({ engine, model, compute: recipe.compute }, weights)
  for (const { name, path, evaluation } of stages.evaluations) {
    const options = context.recipe.eval[Number(path.split('.')[1])]
    const subject = contentHash({ options, weights: weights?.map(({ sha256 }) => sha256 ?? '') ?? 'base' })
    const done = await readOutcome(log.folder, name, which, subject)
    const outcome = done ?? (await evaluation.evaluate(subjectOf(which, name, context, store)))
    // Scores that were remembered take no batch between which a stop would be noticed.
    context.signal?.throwIfAborted()
    if (!done) {
      const { items } = outcome
      logScoring(log.folder.file('eval'), { name, which, items: items.length, model: store?.model ?? '' })
    }
    const template = evaluation.templated === false ? undefined : recipe.template
    if (!done) await writeOutcome(log.folder, name, which, outcome, { subject, options, template })
    outcomes.set(name, outcome)
    if (!done || !log.kept.evaluations.has(evaluationKey(step, name)))
      log.events.emit({ type: 'eval', step, name, scores: plainScores(outcome) })
  }
  return outcomes
}

/** One evaluation of the weights as they are between two steps. Its items are not kept. */
export function evaluateInTraining(
  name: string,
  evaluation: Evaluation,
  context: EvaluateContext,
): Promise<EvalOutcome> {
  const { scoreInTraining, memory } = context.engine
  const tokens = Math.min(SCORED_TOKENS, memory.tokens)
  return evaluation.evaluate(subjectOf('tuned', name, context, undefined, { score: scoreInTraining, tokens }))
}

function subjectOf(
  which: 'base' | 'tuned',
  name: string,
  { engine, data, model, stages, onProgress, signal }: EvaluateContext,
  store: StorePlace | undefined,
  { score, tokens }: { readonly score: Engine['score']; readonly tokens?: number } = engine,
): Subject {
  const phase = `evaluate ${which}: ${name}`
  onProgress?.({ phase, done: 0, total: 1 })
  return openSubject({
    which,
    engine: { score, decode: engine.decode },
    model,
    tokenizer: data.tokenizer,
    template: stages.template,
    holdout: () => allDocuments(data.holdout),
    store,
    onProgress: (done, total) => onProgress?.({ phase, done, total }),
    signal,
    tokens,
  })
}

/**
 * Token mean of the loss over the held-out documents, by the training program: used between two steps.
 * @param limit of documents, evenly spread over all
 */
export async function holdoutLoss(
  engine: Engine,
  holdout: EncodedSplit,
  limit = Number.POSITIVE_INFINITY,
): Promise<number> {
  const run = (batch: Batch) => engine.scoreInTraining(batch, GAIN.tuned)
  // The training program needs as much for a batch that it scores as for one that it trains on.
  const scorer = createScorer(run, undefined, Math.min(SCORED_TOKENS, engine.memory.tokens))
  const scores = await scorer.scoreDocuments(spread(await allDocuments(holdout), limit))
  const tokens = scores.reduce((total, score) => total + score.tokens, 0)
  return -scores.reduce((total, { sum }) => total + sum, 0) / tokens
}

/** `limit` of the items, evenly spread. */
function spread<T>(items: readonly T[], limit: number): readonly T[] {
  if (items.length <= limit) return items
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)]!)
}

/** Events hold numbers only. */
export function plainScores(outcome: EvalOutcome): Record<string, number> {
  const entries = Object.entries(outcomeScores(outcome))
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  )
}
