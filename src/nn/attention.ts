/** @file Grouped-query self-attention with normed queries and keys and rotary positions. */
import { attention, rope, type Value } from '../compute/index.ts'
import type { BatchValues, WeightSlice } from '../plugin/contract.ts'
import { type Building, type Projection, project } from './linear.ts'
import { norm } from './norm.ts'

export interface SelfAttention {
  readonly q: Projection
  readonly k: Projection
  readonly v: Projection
  readonly o: Projection
  /** [headDim], applied to each head before the rotation. */
  readonly qNorm: WeightSlice
  readonly kNorm: WeightSlice
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly scoreScale: number
  /** Keys in sight, the query's own included; 0: all before it. */
  readonly window: number
  readonly theta: number
  readonly ropeFactor: number
  readonly normEps: number
}

/** [rows, length, hidden] -> [rows, length, hidden] */
export function selfAttention(x: Value, part: SelfAttention, batch: BatchValues, building: Building): Value {
  const { heads, kvHeads, headDim, window, scoreScale: scale, normEps: eps } = part
  const rotation = { headDim, theta: part.theta, factor: part.ropeFactor }
  const q = norm(project(x, part.q, building), part.qNorm, eps, building)
  const k = norm(project(x, part.k, building), part.kNorm, eps, building)
  const v = project(x, part.v, building)
  const { segment, branch, position } = batch
  const place = { segment, branch, position }
  const mixed = attention(rope(q, position, rotation), rope(k, position, rotation), v, place, place, {
    heads,
    kvHeads,
    headDim,
    scale,
    window,
  })
  return project(mixed, part.o, building)
}
