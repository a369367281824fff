/** @file Counts what became of the rows of a split. Every row is counted once: documents + dropped + unlabelled = rows. */
import type { Encoded } from '../plugin/contract.ts'
import { labelCount } from './collate.ts'

export interface Census {
  /** Rows read. */
  readonly rows: number
  /** Documents left to train on or to score. */
  readonly documents: number
  /** Rows left out because they were longer than the maximal length (`over_length: drop`). */
  readonly dropped: number
  /** Documents left that were cut to the maximal length (`over_length: truncate`). */
  readonly truncated: number
  /** Rows left out because no token of theirs (after cutting) is learned. */
  readonly unlabelled: number
  /** Tokens of the documents left, without padding. */
  readonly tokens: number
  /** Tokens of the documents left that the loss is taken over. */
  readonly labelTokens: number
  /** Length of the longest row in tokens, before any cutting. */
  readonly longest: number
  /** Documents by the control token that ends what is learned of them; those without one are not counted. */
  readonly ends: Readonly<Record<string, number>>
  /** Rows by their length before any cutting: `rows` of them have more tokens than the entry before and at most `upTo`. */
  readonly histogram: readonly { readonly upTo: number; readonly rows: number }[]
}

/** Smallest bucket of the histogram; each next one is twice as wide. */
const FIRST_BUCKET = 64

export type Fate = 'kept' | 'truncated' | 'dropped' | 'unlabelled'

/** Adds up a census row by row. */
export class CensusCounter {
  #rows = 0
  #documents = 0
  #dropped = 0
  #truncated = 0
  #unlabelled = 0
  #tokens = 0
  #labelTokens = 0
  #longest = 0
  readonly #buckets: number[] = []
  readonly #ends = new Map<string, number>()

  /** Counts a row of `length` tokens; `document` is what is left of it, if anything, and `end` what it learns to end with. */
  add(length: number, fate: Fate, document?: Encoded, end?: string): void {
    if (end !== undefined) this.#ends.set(end, (this.#ends.get(end) ?? 0) + 1)
    this.#rows++
    this.#longest = Math.max(this.#longest, length)
    const bucket = Math.max(0, Math.ceil(Math.log2(length / FIRST_BUCKET)))
    while (this.#buckets.length <= bucket) this.#buckets.push(0)
    this.#buckets[bucket]!++
    if (fate === 'dropped') this.#dropped++
    if (fate === 'unlabelled') this.#unlabelled++
    if (fate === 'truncated') this.#truncated++
    if (document === undefined) return
    this.#documents++
    this.#tokens += document.ids.length
    this.#labelTokens += labelCount(document)
  }

  census(): Census {
    return {
      rows: this.#rows,
      documents: this.#documents,
      dropped: this.#dropped,
      truncated: this.#truncated,
      unlabelled: this.#unlabelled,
      tokens: this.#tokens,
      labelTokens: this.#labelTokens,
      longest: this.#longest,
      ends: Object.fromEntries(this.#ends),
      histogram: this.#buckets.map((rows, i) => ({ upTo: FIRST_BUCKET * 2 ** i, rows })),
    }
  }
}

/** The census of several parts together. */
export function sumCensus(parts: readonly Census[]): Census {
  const total = (pick: (part: Census) => number) => parts.reduce((sum, part) => sum + pick(part), 0)
  const buckets = Math.max(0, ...parts.map((part) => part.histogram.length))
  return {
    rows: total((part) => part.rows),
    documents: total((part) => part.documents),
    dropped: total((part) => part.dropped),
    truncated: total((part) => part.truncated),
    unlabelled: total((part) => part.unlabelled),
    tokens: total((part) => part.tokens),
    labelTokens: total((part) => part.labelTokens),
    longest: Math.max(0, ...parts.map((part) => part.longest)),
    ends: Object.fromEntries(
      [...new Set(parts.flatMap((part) => Object.keys(part.ends)))].map((end) => [
        end,
        total((part) => part.ends[end] ?? 0),
      ]),
    ),
    histogram: Array.from({ length: buckets }, (_, i) => ({
      upTo: FIRST_BUCKET * 2 ** i,
      rows: total((part) => part.histogram[i]?.rows ?? 0),
    })),
  }
}
