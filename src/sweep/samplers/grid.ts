/** @file Every combination once, the last parameter changing fastest. */

import type { Params, Sampler, Space } from '../../plugin/contract.ts'
import { OptionError } from '../../util/errors.ts'
import { countValues, isActive, valueAt } from '../space.ts'

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
  size: (space) => combinations(space).length,
  ask: ({ space, index }) => combinations(space)[index]!,
}

function combinations(space: Space): readonly Params[] {
  const made = known.get(space) ?? [...combine(space, 0, {})]
  known.set(space, made)
  return made
}

function* combine(space: Space, at: number, params: Params): Generator<Params> {
  const parameter = space[at]
  if (!parameter) yield params
  else if (!isActive(parameter, params)) yield* combine(space, at + 1, params)
  else {
    const { path, distribution } = parameter
    for (let i = 0; i < countValues(distribution); i++)
      yield* combine(space, at + 1, { ...params, [path]: valueAt(distribution, i) })
  }
}
