/**
 * @file Points that cover the space evenly: a Sobol sequence with the direction numbers of Joe and Kuo (2008),
 * scrambled as Owen does, "Randomly permuted (t,m,s)-nets and (t,s)-sequences" (1995), so that each seed gives
 * another one and every point is uniform by itself.
 */
import type { Sampler } from '../../plugin/contract.ts'
import { OptionError } from '../../util/errors.ts'
import { bits, streamOf } from '../../util/random.ts'
import { fillSpace, fromUnit } from '../space.ts'
import { drawParams } from './random.ts'
import { DIRECTIONS } from './sobol-directions.ts'

export const DIMENSIONS = DIRECTIONS.length + 1
const BITS = 32

export const sobol: Sampler = {
  adaptive: false,
  check(space) {
    if (space.length > DIMENSIONS)
      throw new OptionError(
        '',
        `sobol has ${DIMENSIONS} dimensions, the sweep ${space.length} parameters; use random`,
      )
  },
  ask({ space, seed, index, draw }) {
    // A point that was tried before, of values in steps, is replaced by one drawn by itself.
    if (draw > 0) return drawParams(space, { seed, index, draw })
    return fillSpace(space, ({ distribution }, at) => fromUnit(distribution, sobolPoint(index, at, seed)))
  },
}

/** Coordinate `dimension` of point `index`, from 0 to 1; without a seed, not scrambled. */
export function sobolPoint(index: number, dimension: number, seed?: number): number {
  const directions = directionsOf(dimension)
  // Gray code order: neighbours differ in one bit, and any 2^k first points are the same set as in plain order.
  const gray = (index ^ (index >>> 1)) >>> 0
  let point = 0
  for (let bit = 0; bit < BITS; bit++) if ((gray >>> bit) & 1) point ^= directions[bit]!
  return (seed === undefined ? point >>> 0 : scramble(point >>> 0, dimension, seed)) / 2 ** BITS
}

/** Flips each bit, from the highest, by a coin of its own for every prefix above it. */
function scramble(point: number, dimension: number, seed: number): number {
  const stream = streamOf(`sobol:${dimension}`)
  let result = 0
  for (let bit = 0; bit < BITS; bit++) {
    const prefix = bit === 0 ? 0 : point >>> (BITS - bit)
    // The length of the prefix is part of its name: 0 and 00 are different places.
    const flip = bits(seed, stream + bit, prefix) >>> 31
    result = (result << 1) | (((point >>> (BITS - 1 - bit)) & 1) ^ flip)
  }
  return result >>> 0
}

const tables: number[][] = []

/** Direction numbers of a dimension, the highest bit first: v_k = m_k / 2^k, by the recurrence of its polynomial. */
function directionsOf(dimension: number): readonly number[] {
  tables[dimension] ??= makeDirections(dimension)
  return tables[dimension]!
}

function makeDirections(dimension: number): number[] {
  if (dimension === 0) return Array.from({ length: BITS }, (_, k) => (1 << (BITS - 1 - k)) >>> 0)
  const [coefficients, ...first] = DIRECTIONS[dimension - 1]! as [number, ...number[]]
  const degree = first.length
  const v = first.map((m, k) => (m << (BITS - 1 - k)) >>> 0)
  for (let k = degree; k < BITS; k++) {
    let next = v[k - degree]! ^ (v[k - degree]! >>> degree)
    for (let i = 1; i < degree; i++) if ((coefficients >>> (degree - 1 - i)) & 1) next ^= v[k - i]!
    v.push(next >>> 0)
  }
  return v
}
