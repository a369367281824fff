/** @file Every trial drawn by itself, independent of all others. */
import type { Question, Sampler, Space } from '../../plugin/contract.ts'
import { streamOf, uniform } from '../../util/random.ts'
import { fillSpace, fromUnit } from '../space.ts'

/** Room between the draws of neighbouring trials. */
const STRIDE = 1024

export const random: Sampler = {
  adaptive: false,
  ask: ({ space, seed, index, draw }) => drawParams(space, { seed, index, draw }),
}

/** Values drawn from the distributions themselves. */
export function drawParams(space: Space, { seed, index, draw }: Pick<Question, 'seed' | 'index' | 'draw'>) {
  return fillSpace(space, ({ path, distribution }) =>
    fromUnit(distribution, uniform(seed, streamOf(`sweep:${path}`), index * STRIDE + draw)),
  )
}
