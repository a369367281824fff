/** @file One layer: attention and feed-forward, each with a norm before it and perhaps one on its result. */
import { add, type Value } from '../compute/index.ts'
import type { BatchValues, KeyValues } from '../plugin/contract.ts'
import { type Attended, type SelfAttention, selfAttention } from './attention.ts'
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

/**
 * The residual stream [rows, length, hidden] through one layer. The post norms act on the branch, before it is
 * added. With `past`, the layer's keys and values of the batch come back beside it.
 */
export function transformerLayer(
  x: Value,
  layer: Layer,
  batch: BatchValues,
  building: Building,
  past?: KeyValues,
): Attended {
  const normed = (value: Value, part: Norm | undefined): Value => (part ? norm(value, part, building) : value)
  const input = normed(x, layer.inputNorm)
  const { output, present } = selfAttention(input, layer.attention, batch, building, past)
  const middle = add(x, normed(output, layer.postAttentionNorm))
  const fed = mlp(normed(middle, layer.preFeedforwardNorm), layer.mlp, building)
  return { output: add(middle, normed(fed, layer.postFeedforwardNorm)), ...(present && { present }) }
}
