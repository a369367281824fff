/** @file Low-rank adapters: beside a frozen projection W, a trained B A of a small rank, scaled by alpha / rank. */

import type { ParameterSpec } from '../compute/graph.ts'
import { add, linear, mulScalar, parameter, scale, type Value, weight } from '../compute/index.ts'
import type { Attachment, LinearCall, LinearSite } from '../plugin/contract.ts'

export interface LoraOptions {
  readonly rank: number
  readonly alpha: number
  readonly seed: number
}

/** What trains at one site: named as PEFT names it in adapter_model.safetensors. */
export interface LoraPair {
  /** [rank, inFeatures], random: uniform within 1/sqrt(inFeatures). */
  readonly a: ParameterSpec
  /** [outFeatures, rank], zeros: training starts from the base model exactly. */
  readonly b: ParameterSpec
}

export function loraPair(site: LinearSite, { rank, seed }: LoraOptions): LoraPair {
  const key = `base_model.model.${site.name}`
  return {
    a: {
      name: `${key}.lora_A.weight`,
      shape: [rank, site.inFeatures],
      init: { kind: 'uniform', bound: 1 / Math.sqrt(site.inFeatures), seed },
    },
    b: { name: `${key}.lora_B.weight`, shape: [site.outFeatures, rank], init: { kind: 'zeros' } },
  }
}

/** Weights stay frozen; each target's projection gets its branch. A parameter is one value in every graph built. */
export function loraAttachment(targets: readonly LinearSite[], options: LoraOptions): Attachment {
  const pairs = new Map(
    targets.map((site) => {
      const { a, b } = loraPair(site, options)
      return [site.name, { a: parameter(a), b: parameter(b) }]
    }),
  )
  const strengths = new WeakMap<Value, Value>()
  const strength = (gain: Value): Value => {
    const known = strengths.get(gain) ?? scale(gain, options.alpha / options.rank)
    strengths.set(gain, known)
    return known
  }
  return {
    weight,
    linear({ name, input, output, gain }: LinearCall): Value {
      const pair = pairs.get(name)
      if (!pair) return output
      // The scalar multiplies the narrow middle, which is the cheapest place.
      const middle = mulScalar(linear(input, pair.a), strength(gain))
      return add(output, linear(middle, pair.b))
    },
  }
}
