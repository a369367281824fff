/**
 * @file Low-rank adapters: beside a frozen projection W, a trained B A of a small rank, scaled (Hu et al. 2021);
 * and with a magnitude, DoRA: the rows of W + scaling * B A brought to trained lengths (Liu et al. 2024).
 */
import {
  add,
  constant,
  dropout,
  input,
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
import type { Attachment, LinearCall, TrainingAttachment } from '../plugin/contract.ts'
import type { LoraTarget } from './lora-targets.ts'

/** Weights stay frozen; each target's projection gets its branch. A parameter is one value in every graph built. */
export function loraAttachment(targets: readonly LoraTarget[]): Attachment {
  return attach(targets.map((target) => branchOf(target)))
}

/**
 * The same with inputs dropped before A, from masks of their own for each target. With DoRA what is dropped is
 * missing from the projection too, as far as the adapter changes it; the projection as the base model has it
 * sees everything.
 */
export function loraTraining(targets: readonly LoraTarget[], share: number): TrainingAttachment {
  const scaleInput = 'dropout scale'
  const dropScale = input(scaleInput, 'f32', [])
  const masks = targets.map(({ name, inFeatures }) => ({ name: `dropout ${name}`, width: inFeatures }))
  const branches = targets.map((target, i) => {
    const { name, width } = masks[i]!
    return branchOf(target, input(name, 'u8', ['rows', 'length', width]))
  })
  return { attachment: attach(branches, dropScale), dropout: share, masks, scaleInput }
}

/** A target with its parameters as graph values. */
interface Branch {
  readonly name: string
  readonly scaling: number
  readonly a: Value
  readonly b: Value
  readonly magnitude: Value | undefined
  readonly mask: Value | undefined
  readonly start: { readonly a: Value; readonly b: Value } | undefined
}

function branchOf({ name, scaling, a, b, magnitude, start }: LoraTarget, mask?: Value): Branch {
  const size = magnitude && parameter(magnitude)
  const from = start && { a: parameter(start.a), b: parameter(start.b) }
  return { name, scaling, a: parameter(a), b: parameter(b), magnitude: size, mask, start: from }
}

function attach(list: readonly Branch[], dropScale?: Value): Attachment {
  const branches = new Map(list.map((branch) => [branch.name, branch]))
  const strength = memoizedStrength(dropScale)
  const whole = memoizedStrength()
  /** What the branch adds to a projection; less what it started from, of which nothing is dropped. */
  const changeOf = (branch: Branch, x: Value, { input, gain }: LinearCall): Value => {
    // The scalar multiplies the narrow middle, which is the cheapest place.
    const middle = mulScalar(linear(x, branch.a), strength(gain, branch.scaling))
    const change = linear(middle, branch.b)
    if (!branch.start) return change
    const before = mulScalar(linear(input, branch.start.a), whole(gain, branch.scaling))
    return add(change, linear(before, branch.start.b))
  }
  return {
    weight,
    linear(call: LinearCall): Value {
      const { name, output } = call
      const branch = branches.get(name)
      if (!branch) return output
      const x = branch.mask ? dropout(call.input, branch.mask, { p: 0 }) : call.input
      const change = changeOf(branch, x, call)
      if (!branch.magnitude) return add(output, change)
      const excess = resizing(call, branch, branch.magnitude)
      const factor = add(filled(1, call), excess)
      if (!dropScale) return mulColumns(add(output, change), factor)
      const seen = linear(mulScalar(x, dropScale), call.weight)
      return add(output, add(mulColumns(seen, excess), mulColumns(change, factor)))
    },
  }
}

/** What DoRA's factor for each output is above 1: gain * (magnitude / norm - 1), so 0 for the base model. */
function resizing(call: LinearCall, { scaling, a, b }: Branch, magnitude: Value): Value {
  const factor = mul(magnitude, inverseRowNorm(call.weight, b, a, scaling))
  return mulScalar(add(factor, filled(-1, call)), call.gain)
}

/** [outFeatures] */
function filled(value: number, { outFeatures }: LinearCall): Value {
  return constant(new Array(outFeatures).fill(value), [outFeatures])
}

/** The gain times a scaling, and times the scale of dropout where there is one: once a graph. */
function memoizedStrength(dropScale?: Value): (gain: Value, scaling: number) => Value {
  const known = new WeakMap<Value, Map<number, Value>>()
  return (gain, scaling) => {
    const scaled = known.get(gain) ?? new Map<number, Value>()
    known.set(gain, scaled)
    const value = scaled.get(scaling) ?? scale(dropScale ? mulScalar(gain, dropScale) : gain, scaling)
    scaled.set(scaling, value)
    return value
  }
}
