/** @file RMS normalisation as Gemma stores it: the weight is the difference from one. */
import { rmsnorm, type Value } from '../compute/index.ts'
import type { WeightSlice } from '../plugin/contract.ts'
import type { Building } from './linear.ts'

/** Over the last dim, or over each head's part of it where the weight is that short. */
export function norm(x: Value, weight: WeightSlice, eps: number, { attachment }: Building): Value {
  return rmsnorm(x, attachment.weight(weight), { eps, offset: 1 })
}
