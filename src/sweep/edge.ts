/** @file Whether the best trial lies at the end of what was searched, where a wider range may hold a better one. Pure. */
import type { Distribution, Params, Space } from '../plugin/contract.ts'
import type { Importance } from './importance.ts'
import { countValues, toUnit } from './space.ts'

/** Of parameters that matter less than this nothing is said: their best value is chance. */
const MATTERS = 0.2
/** Share of a continuous range that counts as its end. */
const END = 0.02
/** A list of fewer numbers has nothing between its ends. */
const FEWEST = 3

/** Paths of parameters that matter and whose best value is the least or the greatest of those searched. */
export function atEdge(space: Space, best: Params, shares: readonly Importance[]): readonly string[] {
  return space
    .filter(({ path, distribution }) => Object.hasOwn(best, path) && isEnd(distribution, best[path]))
    .map(({ path }) => path)
    .filter((path) => shares.some((one) => one.path === path && one.share >= MATTERS))
}

function isEnd(distribution: Distribution, value: unknown): boolean {
  if (typeof value !== 'number' || countValues(distribution) < FEWEST) return false
  if (distribution.kind === 'categorical') {
    const numbers = distribution.values.filter((one) => typeof one === 'number')
    if (numbers.length < distribution.values.length) return false
    return value === Math.min(...numbers) || value === Math.max(...numbers)
  }
  const place = toUnit(distribution, value)
  return place <= END || place >= 1 - END
}
