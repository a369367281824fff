/** @file Low-rank adapters: beside a frozen projection W, a trained B A of a small rank, scaled by alpha / rank. */

import { add, linear, mulScalar, parameter, scale, type Value, weight } from '../compute/index.ts'
import type { Attachment, LinearCall } from '../plugin/contract.ts'
import type { LoraTarget } from './lora-targets.ts'

/** Weights stay frozen; each target's projection gets its branch. A parameter is one value in every graph built. */
export function loraAttachment(targets: readonly LoraTarget[]): Attachment {
  const branches = new Map(
    targets.map((target) => [target.name, { target, a: parameter(target.a), b: parameter(target.b) }]),
  )
  const strength = memoizedScale()
  return {
    weight,
    linear({ name, input, output, gain }: LinearCall): Value {
      const branch = branches.get(name)
      if (!branch) return output
      // The scalar multiplies the narrow middle, which is the cheapest place.
      const middle = mulScalar(linear(input, branch.a), strength(gain, branch.target.scaling))
      return add(output, linear(middle, branch.b))
    },
  }
}

/** The gain times each scaling in use, once a graph. */
function memoizedScale(): (gain: Value, scaling: number) => Value {
  const known = new WeakMap<Value, Map<number, Value>>()
  return (gain, scaling) => {
    const scaled = known.get(gain) ?? new Map<number, Value>()
    known.set(gain, scaled)
    const value = scaled.get(scaling) ?? scale(gain, scaling)
    scaled.set(scaling, value)
    return value
  }
}
