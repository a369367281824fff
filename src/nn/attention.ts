/** @file Grouped-query self-attention with rotary positions. */
import { attention, cachedAttention, rope, splitHeads, type Value } from '../compute/index.ts'
import type { BatchValues, KeyValues, PastValues } from '../plugin/contract.ts'
import { type Building, type Projection, project } from './linear.ts'
import { type Norm, norm } from './norm.ts'

export interface SelfAttention {
  readonly q: Projection
  readonly k: Projection
  readonly v: Projection
  readonly o: Projection
  /** [headDim], applied to each head before the rotation. */
  readonly qNorm?: Norm
  readonly kNorm?: Norm
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly scoreScale: number
  /** Keys in sight, the query's own included; 0: all before it. */
  readonly window: number
  /** Angular step per position of each pair of a head. */
  readonly frequencies: readonly number[]
}

export interface Attended {
  /** [rows, length, hidden] */
  readonly output: Value
  /** Keys and values of the batch, to be kept, where there is a past that they join. */
  readonly present?: KeyValues
}

/** [rows, length, hidden] -> [rows, length, hidden]; `past` are this layer's keys and values of earlier tokens. */
export function selfAttention(
  x: Value,
  part: SelfAttention,
  batch: BatchValues,
  building: Building,
  past?: PastValues['layers'][number],
): Attended {
  const { heads, kvHeads, headDim, window, scoreScale: scale } = part
  const { segment, branch, position } = batch
  const turned = (projection: Projection, headNorm: Norm | undefined): Value => {
    const heads = project(x, projection, building)
    const normed = headNorm ? norm(heads, headNorm, building) : heads
    return rope(normed, position, { headDim, frequencies: part.frequencies })
  }
  const q = turned(part.q, part.qNorm)
  const k = turned(part.k, part.kNorm)
  const v = project(x, part.v, building)
  const place = { segment, branch, position }
  const attrs = { heads, kvHeads, headDim, scale, window }
  if (!past || !batch.past) {
    const mixed = attention(q, k, v, place, place, attrs)
    return { output: project(mixed, part.o, building) }
  }
  const present = { k: splitHeads(k, kvHeads), v: splitHeads(v, kvHeads) }
  const mixed = cachedAttention(q, present, past, place, batch.past.place, attrs)
  return { output: project(mixed, part.o, building), present }
}
