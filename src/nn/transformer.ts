/** @file One layer: attention and feed-forward, each with a norm before it and perhaps one on its result. */
import { add, type Value } from '../compute/index.ts'
import type { BatchValues } from '../plugin/contract.ts'
import { type SelfAttention, selfAttention } from './attention.ts'
import type { Building } from './linear.ts'
import { type Mlp, mlp } from './mlp.ts'
import { type Norm, norm } from './norm.ts'

export interface Layer {
  readonly attention: SelfAttention
  readonly mlp: Mlp
  readonly inputNorm: Norm
  readonly postAttentionNorm?: Norm
  readonly preFeedforwardNorm: Norm
  readonly postFeedforwardNorm?: Norm
}

/** The residual stream [rows, length, hidden] through one layer. The post norms act on the branch, before it is added. */
export function transformerLayer(x: Value, layer: Layer, batch: BatchValues, building: Building): Value {
  const normed = (value: Value, part: Norm | undefined): Value => (part ? norm(value, part, building) : value)
  const attended = selfAttention(normed(x, layer.inputNorm), layer.attention, batch, building)
  const middle = add(x, normed(attended, layer.postAttentionNorm))
  const fed = mlp(normed(middle, layer.preFeedforwardNorm), layer.mlp, building)
  return add(middle, normed(fed, layer.postFeedforwardNorm))
}
