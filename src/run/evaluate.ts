/** @file Runs the recipe's evaluations on the base or the tuned model. */

import type { Batch, EncodedSplit } from '../data/index.ts'
import { outcomeScores } from '../eval/report.ts'
import { createScorer, SCORED_TOKENS } from '../eval/score.ts'
import { type StorePlace, storedGenerator, storedScorer } from '../eval/score-store.ts'
import type { Encoded, EvalOutcome, Evaluation, Model, Subject } from '../plugin/contract.ts'
import { contentHash } from '../recipe/hash.ts'
import type { Recipe } from '../recipe/recipe.ts'
import { evaluationKey } from '../track/kept-events.ts'
import { hashOutputs } from '../track/provenance.ts'
import { cacheFolder } from '../util/cache-folder.ts'
import type { RunData } from './data.ts'
import { readOutcome, writeOutcome } from './done-evaluations.ts'
import { type Engine, GAIN } from './engine.ts'
import { generatorFor } from './generator-for.ts'
import type { RunOptions } from './options.ts'
import { hashModel } from './provenance.ts'
import type { RunLog } from './record.ts'
import type { RunStages } from './stages.ts'

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
  const store = await storePlace(context, weights)
  for (const { name, path, evaluation } of stages.evaluations) {
    const options = context.recipe.eval[Number(path.split('.')[1])]
    const subject = contentHash({ options, weights: weights?.map(({ sha256 }) => sha256 ?? '') ?? 'base' })
    const done = await readOutcome(log.folder, name, which, subject)
    const outcome = done ?? (await evaluation.evaluate(subjectOf(which, name, context, store)))
    // Scores that were remembered take no batch between which a stop would be noticed.
    context.signal?.throwIfAborted()
    if (!done) await writeOutcome(log.folder, name, which, outcome, subject)
    outcomes.set(name, outcome)
    if (!done || !log.kept.evaluations.has(evaluationKey(step, name)))
      log.events.emit({ type: 'eval', step, name, scores: plainScores(outcome) })
  }
  return outcomes
}

/** Scores are remembered by everything that decides them; not at all where a file of it cannot be read. */
async function storePlace(
  { recipe, engine, model }: EvaluateContext,
  weights: readonly { readonly sha256?: string }[] | undefined,
): Promise<StorePlace | undefined> {
  const adapter = weights?.map(({ sha256 }) => sha256)
  if (adapter?.some((hash) => hash === undefined)) return undefined
  try {
    const hash = contentHash({
      model: await hashModel(model),
      adapter: adapter ?? 'none',
      compute: recipe.compute,
      precision: engine.precision,
    })
    return { folder: cacheFolder('scores'), model: hash }
  } catch {
    return undefined
  }
}

/** One evaluation of the weights as they are between two steps. Its items are not kept. */
export function evaluateInTraining(
  name: string,
  evaluation: Evaluation,
  context: EvaluateContext,
): Promise<EvalOutcome> {
  return evaluation.evaluate(subjectOf('tuned', name, context, undefined, context.engine.scoreInTraining))
}

function subjectOf(
  which: 'base' | 'tuned',
  name: string,
  context: EvaluateContext,
  store: StorePlace | undefined,
  score = context.engine.score,
): Subject {
  const { engine, data, model, stages, onProgress } = context
  const phase = `evaluate ${which}: ${name}`
  onProgress?.({ phase, done: 0, total: 1 })
  const progress = (done: number, total: number): void => onProgress?.({ phase, done, total })
  const scorer = createScorer((batch) => score(batch, GAIN[which]), progress)
  const generate = generatorFor(
    which,
    engine,
    model,
    data.tokenizer,
    stages.template,
    store ? undefined : progress,
  )
  return {
    which,
    template: stages.template,
    encode: (spans) => data.tokenizer.encode(spans),
    opening: data.tokenizer.opening,
    maxLength: model.maxLength,
    holdout: () => allDocuments(data.holdout),
    ...(store ? storedScorer(scorer, store) : scorer),
    generate: store ? storedGenerator(generate, store, progress) : generate,
  }
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

async function allDocuments(split: EncodedSplit | undefined): Promise<readonly Encoded[]> {
  const documents: Encoded[] = []
  for (let window = 0; window < (split?.windows ?? 0); window++)
    documents.push(...(await split!.window(window)))
  return documents
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
