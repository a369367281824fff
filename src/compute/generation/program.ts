/** @file The names by which a generator's inputs and outputs are known, and what its inputs say of its cache. */

import type { Dim, Value } from '../graph.ts'
import { input } from '../ops/leaf.ts'

/** i32 [rows, past]: where the kept tokens stand. */
export const PAST_PLACE = {
  segment: 'past.segment',
  branch: 'past.branch',
  position: 'past.position',
} as const
/** i32 [labels]: row * length + t of the tokens whose successor is asked for. */
export const LAST = 'last'
/** f32 [labels, V] */
export const LOGITS = 'logits'

export type Part = 'k' | 'v'
/** f32 [rows, heads, past, headDim] in, [rows, heads, length, headDim] out. */
export const pastName = (part: Part, layer: number): string => `past.${part}.${layer}`
export const presentName = (part: Part, layer: number): string => `present.${part}.${layer}`

/** The inputs of a generator besides those of every program. */
export function pastInputs(kept: readonly { readonly heads: number; readonly headDim: number }[]) {
  const place = (name: string): Value => input(name, 'i32', ['rows', 'past'])
  return {
    place: {
      segment: place(PAST_PLACE.segment),
      branch: place(PAST_PLACE.branch),
      position: place(PAST_PLACE.position),
    },
    layers: kept.map(({ heads, headDim }, layer) => {
      const part = (name: Part): Value =>
        input(pastName(name, layer), 'f32', ['rows', heads, 'past', headDim])
      return { k: part('k'), v: part('v') }
    }),
  }
}

export interface KeptLayer {
  readonly heads: number
  readonly headDim: number
}

/** The layers of a cache, from the shapes of a generator's inputs. */
export function keptLayers(
  inputs: readonly { readonly name: string; readonly shape: readonly Dim[] }[],
): KeptLayer[] {
  const byName = new Map(inputs.map(({ name, shape }) => [name, shape]))
  const layers: KeptLayer[] = []
  for (;;) {
    const shape = byName.get(pastName('k', layers.length))
    if (!shape) return layers
    layers.push({ heads: shape[1] as number, headDim: shape[3] as number })
  }
}
