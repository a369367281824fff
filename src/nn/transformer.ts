/** @file One layer: attention and feed-forward, each with a norm before it and one on its result. */
import { add, type Value } from '../compute/index.ts'
import type { BatchValues, WeightSlice } from '../plugin/contract.ts'
import { type SelfAttention, selfAttention } from './attention.ts'
import type { Building } from './linear.ts'
import { type Mlp, mlp } from './mlp.ts'
import { norm } from './norm.ts'

export interface Layer {
  readonly attention: SelfAttention
  readonly mlp: Mlp
  readonly inputNorm: WeightSlice
  readonly postAttentionNorm: WeightSlice
  readonly preFeedforwardNorm: WeightSlice
  readonly postFeedforwardNorm: WeightSlice
  readonly normEps: number
}

/** The residual stream [rows, length, hidden] through one layer. The post norms act on the branch, before it is added. */
export function transformerLayer(x: Value, layer: Layer, batch: BatchValues, building: Building): Value {
  const normed = (value: Value, weight: WeightSlice): Value => norm(value, weight, layer.normEps, building)
  const attended = selfAttention(normed(x, layer.inputNorm), layer.attention, batch, building)
  const middle = add(x, normed(attended, layer.postAttentionNorm))
  const fed = mlp(normed(middle, layer.preFeedforwardNorm), layer.mlp, building)
  return add(middle, normed(fed, layer.postFeedforwardNorm))
}
