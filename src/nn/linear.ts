/** @file A linear projection: a frozen weight, and the place where an adapter may add its branch. */
import { linear, type Value } from '../compute/index.ts'
import type { Attachment, LinearSite, WeightSlice } from '../plugin/contract.ts'

export interface Projection extends LinearSite {
  /** [outFeatures, inFeatures], no bias. */
  readonly weight: WeightSlice
}

/** What every part of a model needs while its graph is built. */
export interface Building {
  readonly attachment: Attachment
  /** Scalar: 1 while the adapter is on, 0 for the base model. */
  readonly gain: Value
}

/** [..., inFeatures] -> [..., outFeatures] */
export function project(input: Value, projection: Projection, { attachment, gain }: Building): Value {
  const { name, inFeatures, outFeatures } = projection
  const weight = attachment.weight(projection.weight)
  const output = linear(input, weight)
  return attachment.linear({ name, inFeatures, outFeatures, input, output, weight, gain })
}
