/**
 * @file Scores that were computed before: kept by model and by what was asked, a line an item, appended as they
 * come. A scoring that was cut short goes on where it stopped, and one that is repeated is read.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { labelCount } from '../data/index.ts'
import type { GenerateOptions, Generation, Subject } from '../plugin/contract.ts'
import type { Generator } from './generate.ts'
import type { OnScored, Scorer } from './score.ts'

/** Changes whenever scores of the same model and items would come out differently. */
const VERSION = 1

export interface StorePlace {
  /** Folder of the cache. */
  readonly folder: string
  /** Hash of everything that decides an answer: of a score weights, adapter, tokenizer and precision. */
  readonly model: string
}

/** The items of one request, by their place or a name: those that are known already and a way to add to them. */
export class Store<T, K extends number | string = number> {
  readonly known = new Map<K, T>()
  readonly #file: string
  #writable = true

  constructor({ folder, model }: StorePlace, task: string) {
    this.#file = join(folder, model.slice(0, 32), `${task.slice(0, 32)}.jsonl`)
    try {
      for (const line of readFileSync(this.#file, 'utf8').split('\n')) this.#read(line)
    } catch {
      // Nothing was kept.
    }
  }

  /** A line that a crash cut short is no JSON: that item is computed again. */
  #read(line: string): void {
    try {
      const [key, value] = JSON.parse(line) as [K, T]
      if (['number', 'string'].includes(typeof key) && value !== null) this.known.set(key, value)
    } catch {
      // Computed again.
    }
  }

  /** A cache that cannot be written costs time, nothing else. */
  add(entries: readonly (readonly [K, T])[]): void {
    for (const [key, value] of entries) this.known.set(key, value)
    if (!this.#writable || entries.length === 0) return
    try {
      mkdirSync(dirname(this.#file), { recursive: true })
      // The first line break ends what a crash may have left.
      appendFileSync(this.#file, `\n${entries.map((entry) => JSON.stringify(entry)).join('\n')}`)
    } catch {
      this.#writable = false
    }
  }

  /** Places of those that are not known. */
  missing(keys: readonly K[]): number[] {
    return keys.flatMap((key, place) => (this.known.has(key) ? [] : [place]))
  }
}

/** The scorer with a memory. A score that is no number is not kept. */
export function storedScorer(scorer: Scorer, place: StorePlace): Scorer {
  return {
    async scoreDocuments(documents) {
      const key = hashOf(
        'documents',
        documents.flatMap(({ ids, mask }) => [ids, mask]),
      )
      const sums = await scoreMissing(documents, new Store(place, key), scorer.scoreDocuments)
      return documents.map((document, i) => ({ sum: sums[i]![0]!, tokens: labelCount(document) }))
    },
    async scoreChoices(groups) {
      const key = hashOf(
        'choices',
        groups.flatMap(({ prompt, choices }) => [prompt, ...choices, SEPARATOR]),
      )
      return scoreMissing(groups, new Store(place, key), scorer.scoreChoices)
    },
  }
}

async function scoreMissing<I>(
  items: readonly I[],
  store: Store<readonly number[]>,
  score: (part: readonly I[], onScored: OnScored) => Promise<unknown>,
): Promise<readonly (readonly number[])[]> {
  const missing = store.missing([...items.keys()])
  const unsound = new Map<number, readonly number[]>()
  if (missing.length > 0) {
    await score(
      missing.map((index) => items[index]!),
      (scored) => {
        const entries = scored.map(([at, sums]) => [missing[at]!, sums] as const)
        store.add(entries.filter(([, sums]) => sums.every(Number.isFinite)))
        for (const [index, sums] of entries) if (!sums.every(Number.isFinite)) unsound.set(index, sums)
      },
    )
  }
  return items.map((_, i) => unsound.get(i) ?? store.known.get(i)!)
}

interface StoredAnswer {
  readonly ids: readonly number[]
  readonly text: string
  readonly finish: 'stop' | 'length'
}

/**
 * A generator with a memory: whoever listens to the text, or asks for log-probabilities, is answered anew.
 * @param stopTokens what ends an answer where the caller names no tokens
 */
export function storedGenerator(
  generate: Generator,
  place: StorePlace,
  stopTokens: readonly number[],
  onProgress: (done: number, total: number) => void = () => undefined,
): Subject['generate'] {
  return async (prompts, options, onText) => {
    if (onText !== undefined || options.log_probs === true) return generate(prompts, options, onText)
    const { signal: _, ...decides } = { ...options, stop_tokens: options.stop_tokens ?? stopTokens }
    const store = new Store<StoredAnswer>(place, hashOf(`generate ${canonical(decides)}`, prompts))
    const missing = store.missing([...prompts.keys()])
    if (missing.length > 0) {
      const asked = missing.map((index) => prompts[index]!)
      await generate(asked, options, undefined, {
        numbers: missing.map((index) => (options.first ?? 0) + index),
        onAnswer(at, { ids, text, finish }) {
          store.add([[missing[at]!, { ids: [...ids], text, finish }]])
          onProgress(store.known.size, prompts.length)
        },
      })
    }
    return prompts.map((_, i): Generation => {
      const { ids, ...answer } = store.known.get(i)!
      return { ...answer, ids: Int32Array.from(ids) }
    })
  }
}

const SEPARATOR = Int32Array.of(-1)

function hashOf(kind: string, arrays: readonly (Int32Array | Uint8Array)[]): string {
  const hash = createHash('sha256').update(`${VERSION} ${kind}\n`)
  for (const array of arrays) {
    hash.update(`${array.length}:`)
    hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  }
  return hash.digest('hex')
}

function canonical(options: Omit<GenerateOptions, 'signal'>): string {
  return JSON.stringify(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)))
}
