/** @file Every combination once, the last parameter changing fastest. */

import type { Params, Sampler, Space } from '../../plugin/contract.ts'
import { OptionError } from '../../util/errors.ts'
import { combinations, countValues } from '../space.ts'

/** More combinations than this are no plan but a slip. */
const LARGEST = 100_000

/** Combinations of a space, made once. */
const known = new WeakMap<Space, readonly Params[]>()

export const grid: Sampler = {
  adaptive: false,
  check(space) {
    const endless = space.find(({ distribution }) => !Number.isFinite(countValues(distribution)))
    if (endless)
      throw new OptionError(
        '',
        `a grid needs steps, and "${endless.path}" is a continuous range: give it values or q, or use sobol`,
      )
    const most = space.reduce((total, { distribution }) => total * countValues(distribution), 1)
    if (most > LARGEST)
      throw new OptionError(
        '',
        `a grid of ${most} combinations is too large; at most ${LARGEST}, or use sobol`,
      )
  },
  size: (space) => all(space).length,
  ask: ({ space, index }) => all(space)[index]!,
}

function all(space: Space): readonly Params[] {
  const made = known.get(space) ?? [...combinations(space)]
  known.set(space, made)
  return made
}
