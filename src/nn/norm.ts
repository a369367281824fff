/** @file RMS normalisation with its weight as the file stores it. */
import { rmsnorm, type Value } from '../compute/index.ts'
import type { WeightSlice } from '../plugin/contract.ts'
import type { Building } from './linear.ts'

export interface Norm {
  readonly weight: WeightSlice
  readonly eps: number
  /** Added to the weight: 1 where the file holds the difference from one, as Gemma's do. */
  readonly offset: 0 | 1
}

/** Over the last dim, or over each head's part of it where the weight is that short. */
export function norm(x: Value, { weight, eps, offset }: Norm, { attachment }: Building): Value {
  return rmsnorm(x, attachment.weight(weight), { eps, offset })
}
