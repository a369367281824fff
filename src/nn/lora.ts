/**
 * @file Low-rank adapters: beside a frozen projection W, a trained B A of a small rank, scaled (Hu et al. 2021);
 * and with a magnitude, DoRA: the rows of W + scaling * B A brought to trained lengths (Liu et al. 2024).
 */
import {
  add,
  constant,
  inverseRowNorm,
  linear,
  mul,
  mulColumns,
  mulScalar,
  parameter,
  scale,
  type Value,
  weight,
} from '../compute/index.ts'
import type { Attachment, LinearCall } from '../plugin/contract.ts'
import type { LoraTarget } from './lora-targets.ts'

/** A target with its parameters as graph values. */
interface Branch {
  readonly scaling: number
  readonly a: Value
  readonly b: Value
  readonly magnitude: Value | undefined
}

/** Weights stay frozen; each target's projection gets its branch. A parameter is one value in every graph built. */
export function loraAttachment(targets: readonly LoraTarget[]): Attachment {
  const branches = new Map(targets.map((target) => [target.name, branchOf(target)]))
  const strength = memoizedScale()
  return {
    weight,
    linear(call: LinearCall): Value {
      const { name, input, output, gain } = call
      const branch = branches.get(name)
      if (!branch) return output
      // The scalar multiplies the narrow middle, which is the cheapest place.
      const middle = mulScalar(linear(input, branch.a), strength(gain, branch.scaling))
      const adapted = add(output, linear(middle, branch.b))
      return branch.magnitude ? mulColumns(adapted, resize(call, branch, branch.magnitude)) : adapted
    },
  }
}

function branchOf({ scaling, a, b, magnitude }: LoraTarget): Branch {
  return {
    scaling,
    a: parameter(a),
    b: parameter(b),
    magnitude: magnitude && parameter(magnitude),
  }
}

/** DoRA's factor for each output, [outFeatures]: 1 + gain * (magnitude / norm - 1), so 1 for the base model. */
function resize(
  { weight, gain, outFeatures }: LinearCall,
  { scaling, a, b }: Branch,
  magnitude: Value,
): Value {
  const all = (value: number): Value => constant(new Array(outFeatures).fill(value), [outFeatures])
  const factor = mul(magnitude, inverseRowNorm(weight, b, a, scaling))
  return add(all(1), mulScalar(add(factor, all(-1)), gain))
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
