/** @file Dropout masks from the counter hash: the same wherever and whenever they are made. */
import { bitsOf, streamOf } from './random.ts'

/** Where a mask belongs; each place has a mask of its own. */
export interface MaskPlace {
  readonly seed: number
  /** What is dropped from: the name of a module. */
  readonly site: string
  readonly step: number
  /** Number of the row within its step, so that a mask does not depend on how a step is cut into micro-batches. */
  readonly row: number
}

/** `size` values, 0 with probability `p` and else 1. One hash serves two values, 16 bits each. */
export function dropMask({ seed, site, step, row }: MaskPlace, p: number, size: number): Uint8Array {
  const bits = bitsOf(seed, streamOf(`dropout ${site} ${step} ${row}`))
  const threshold = Math.round(p * 0x10000)
  const mask = new Uint8Array(size)
  for (let i = 0; i < size; i += 2) {
    const drawn = bits(i >>> 1)
    mask[i] = (drawn & 0xffff) >= threshold ? 1 : 0
    if (i + 1 < size) mask[i + 1] = drawn >>> 16 >= threshold ? 1 : 0
  }
  return mask
}
