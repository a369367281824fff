/** @file The model under test as evaluations see it, with a memory of what it was asked before. */
import type { Tokenizer } from '../data/index.ts'
import { createScorer } from '../eval/score.ts'
import { type StorePlace, storedGenerator, storedScorer } from '../eval/score-store.ts'
import { stopTokens } from '../eval/stop-tokens.ts'
import type { Encoded, Model, Subject, Template } from '../plugin/contract.ts'
import { contentHash } from '../recipe/hash.ts'
import type { StageUse } from '../recipe/recipe.ts'
import { cacheFolder } from '../util/cache-folder.ts'
import { type Engine, GAIN } from './engine.ts'
import { generatorFor } from './generator-for.ts'
import { hashModel } from './provenance.ts'

export interface SubjectParts {
  readonly which: 'base' | 'tuned'
  readonly engine: Pick<Engine, 'score' | 'decode'>
  readonly model: Model
  readonly tokenizer: Tokenizer
  readonly template: Template
  holdout(): Promise<readonly Encoded[]>
  /** Where scores are remembered; undefined for nowhere. */
  readonly store: StorePlace | undefined
  onProgress(done: number, total: number): void
  readonly signal?: AbortSignal | undefined
  /** Tokens of a batch, where the engine has room for fewer than usual. */
  readonly tokens?: number | undefined
}

export function openSubject(parts: SubjectParts): Subject {
  const { which, engine, model, tokenizer, template, holdout, store, onProgress, signal } = parts
  const scorer = createScorer((batch) => engine.score(batch, GAIN[which]), onProgress, parts.tokens)
  // What is remembered counts too where there is a memory; else the generator tells how far it is.
  const generate = generatorFor(which, engine, model, tokenizer, template, store ? undefined : onProgress)
  return {
    which,
    template,
    encode: (spans) => tokenizer.encode(spans),
    opening: tokenizer.opening,
    maxLength: model.maxLength,
    ...(signal && { signal }),
    progress: onProgress,
    holdout,
    ...(store ? storedScorer(scorer, store) : scorer),
    generate: store
      ? storedGenerator(generate, store, stopTokens(model, tokenizer, template), onProgress)
      : generate,
  }
}

interface Decides {
  readonly engine: Pick<Engine, 'precision'>
  readonly model: Model
  readonly compute: StageUse
}

/**
 * Scores are remembered by everything that decides them; not at all where a file of it cannot be read.
 * @param weights hashes of the adapter's files; undefined for the base model
 */
export async function storePlace(
  { engine, model, compute }: Decides,
  weights: readonly { readonly sha256?: string }[] | undefined,
): Promise<StorePlace | undefined> {
  const adapter = weights?.map(({ sha256 }) => sha256)
  if (adapter?.some((hash) => hash === undefined)) return undefined
  try {
    const hash = contentHash({
      model: await hashModel(model),
      adapter: adapter ?? 'none',
      compute,
      precision: engine.precision,
    })
    return { folder: cacheFolder('scores'), model: hash }
  } catch {
    return undefined
  }
}
