/** @file What is odd about an encoded document, as bits: told of by row, once all rows are read. */
import type { Encoded } from '../plugin/contract.ts'

export const ODD = {
  /** It begins with two beginning-of-text tokens. */
  doubleBos: 1,
  /** It begins with none, although the model's tokenizer would put one there. */
  noBos: 2,
  /** No control token stands at the end of what is learned. */
  noEnd: 4,
} as const

/** What has to be known of a tokenizer. */
export interface ControlTokens {
  readonly bosId: number | undefined
  /** Whether the tokenizer, asked for special tokens, begins a text with `bosId`. */
  readonly addsBos: boolean
  readonly controlIds: ReadonlySet<number>
}

/** Tokens at the end of the learned ones among which the end of a turn may stand: a line break often follows it. */
const TAIL = 3

/** The last control token among the last few that are learned: what the model learns to end with. */
export function endToken({ ids, mask }: Encoded, { controlIds }: ControlTokens): number | undefined {
  for (let t = ids.length - 1, seen = 0; t > 0 && seen < TAIL; t--) {
    if (mask[t] === 0) continue
    if (controlIds.has(ids[t]!)) return ids[t]
    seen++
  }
  return undefined
}

/** Bits of `ODD` that concern the beginning of a document. */
export function beginningOf({ ids }: Encoded, { bosId, addsBos }: ControlTokens): number {
  if (bosId === undefined || ids.length === 0) return 0
  if (ids[0] !== bosId) return addsBos ? ODD.noBos : 0
  return ids[1] === bosId ? ODD.doubleBos : 0
}
