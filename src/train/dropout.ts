/** @file What a training program with dropout is fed beside its batch: masks in training, none in evaluation. */
import type { Batch } from '../data/index.ts'
import type { AdapterPlan, Feeds } from '../plugin/contract.ts'
import { dropMask } from '../util/drop-mask.ts'

/** Which rows of which optimizer step run: those of a micro-batch, the first of which has number `row` in its step. */
export interface MicroPlace {
  readonly step: number
  readonly row: number
}

/** @param place left out, nothing is dropped: the program then computes what the one without dropout does */
export function dropoutFeeds(
  { training }: Pick<AdapterPlan, 'training'>,
  seed: number,
  { rows, length }: Pick<Batch, 'rows' | 'length'>,
  place?: MicroPlace,
): Feeds {
  if (!training) return {}
  const { dropout, masks, scaleInput } = training
  const tokens = rows * length
  const keepAll = new Map<number, Uint8Array>()
  const all = (width: number): Uint8Array => {
    const mask = keepAll.get(width) ?? new Uint8Array(tokens * width).fill(1)
    keepAll.set(width, mask)
    return mask
  }
  const drawn = (name: string, width: number, { step, row: first }: MicroPlace): Uint8Array => {
    const mask = new Uint8Array(tokens * width)
    for (let row = 0; row < rows; row++) {
      const place = { seed, site: name, step, row: first + row }
      mask.set(dropMask(place, dropout, length * width), row * length * width)
    }
    return mask
  }
  const made = masks.map(({ name, width }) => [name, place ? drawn(name, width, place) : all(width)])
  return { ...Object.fromEntries(made), [scaleInput]: Float32Array.of(place ? 1 / (1 - dropout) : 1) }
}
