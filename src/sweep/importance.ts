/**
 * @file How much each parameter had to do with a trial being good: PED-ANOVA of Watanabe, Bansal and Hutter (2023).
 * Where good trials lie is compared with where all trials lie, one parameter at a time; what makes no difference has
 * the same density in both.
 */
import type { Params, Space, SweepParameter } from '../plugin/contract.ts'
import type { Trial } from '../track/sweep-journal.ts'
import { fitDensity } from './samplers/parzen.ts'
import { countValues, fromUnit, valueAt } from './space.ts'

export interface Importance {
  readonly path: string
  /** Of all that the parameters explain by themselves; the shares sum to 1. */
  readonly share: number
}

/** The share of trials that count as good: fewer would ask what tells the very best from the good ones. */
const GOOD = 1 / 3
/** Trials in which a parameter takes part, below which nothing is said of it. */
const FEWEST = 8
/** How much each trial says of the other values of a list. */
const OTHERS = 0.2
/** Places at which densities are compared where values are continuous. */
const PLACES = 64

/** The most important first; empty where there are too few trials to say anything. */
export function importances(
  space: Space,
  trials: readonly Trial[],
  goal: 'minimize' | 'maximize',
): readonly Importance[] {
  const scored = fromBest(trials, goal)
  const found = space
    .filter(({ distribution }) => countValues(distribution) > 1)
    .map((parameter) => ({ path: parameter.path, share: variance(parameter, scored) }))
    .filter(({ share }) => share !== undefined) as Importance[]
  const sum = found.reduce((total, { share }) => total + share, 0)
  if (sum === 0) return []
  return found.map(({ path, share }) => ({ path, share: share / sum })).sort((a, b) => b.share - a.share)
}

/** Finished trials by their value; behind them those that were ended early, who came furthest first. */
function fromBest(trials: readonly Trial[], goal: 'minimize' | 'maximize'): readonly Trial[] {
  const sign = goal === 'minimize' ? 1 : -1
  const known = trials.filter(({ value }) => Number.isFinite(value))
  const reached = ({ reports }: Trial): number => reports.at(-1)?.step ?? 0
  const byValue = (a: Trial, b: Trial): number => sign * (a.value! - b.value!) || a.index - b.index
  return [
    ...known.filter(({ status }) => status === 'done').sort(byValue),
    ...known
      .filter(({ status }) => status === 'pruned')
      .sort((a, b) => reached(b) - reached(a) || byValue(a, b)),
  ]
}

/** E over all trials of (p_good / p_all - 1)^2 for one parameter; undefined where too few trials have it. */
function variance(parameter: SweepParameter, sorted: readonly Trial[]): number | undefined {
  const params = sorted.map((trial) => trial.params).filter((one) => Object.hasOwn(one, parameter.path))
  if (params.length < FEWEST) return undefined
  const good = Math.ceil(GOOD * params.length)
  const space = [{ ...parameter, when: [] }]
  const [p, all] = [fitDensity(space, params.slice(0, good), OTHERS), fitDensity(space, params, OTHERS)]
  const values = placesOf(parameter)
  const weights = values.map((value) => Math.exp(all.logAt(value)))
  const whole = weights.reduce((total, weight) => total + weight, 0)
  return values.reduce((total, value, i) => {
    const ratio = Math.exp(p.logAt(value) - all.logAt(value))
    return total + (weights[i]! / whole) * (ratio - 1) ** 2
  }, 0)
}

function placesOf({ path, distribution }: SweepParameter): readonly Params[] {
  const count = countValues(distribution)
  const at = (i: number): unknown =>
    count <= PLACES ? valueAt(distribution, i) : fromUnit(distribution, (i + 0.5) / PLACES)
  return Array.from({ length: Math.min(count, PLACES) }, (_, i) => ({ [path]: at(i) }))
}
