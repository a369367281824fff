/** @file The values that a parameter can take, and the way between them and numbers from 0 to 1. */
import type { Distribution, Params, Space, SweepParameter } from '../plugin/contract.ts'
import { canonicalJson } from '../util/canonical-json.ts'

/** Digits kept of a real number: what a reader can compare and a recipe can hold. */
const DIGITS = 6

/** Whether two values of a parameter are the same. */
export function sameValue(a: unknown, b: unknown): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b)
}

/** Whether a parameter is part of a trial with these values. */
export function isActive({ when }: SweepParameter, params: Params): boolean {
  return when.every(
    ({ path, values }) =>
      Object.hasOwn(params, path) && values.some((value) => sameValue(value, params[path])),
  )
}

/** Chooses parameter by parameter; one whose conditions do not hold is left out. */
export function fillSpace(space: Space, choose: (parameter: SweepParameter, at: number) => unknown): Params {
  const params: Record<string, unknown> = {}
  for (const [at, parameter] of space.entries()) {
    if (isActive(parameter, params)) params[parameter.path] = choose(parameter, at)
  }
  return params
}

/** The number of different values, infinite for a continuous range. */
export function countValues(distribution: Distribution): number {
  if (distribution.kind === 'categorical') return distribution.values.length
  const { min, max, step } = distribution
  return step === undefined ? Number.POSITIVE_INFINITY : Math.floor((max - min) / step + 1e-9) + 1
}

/** More combinations than this are not gone through to count them. */
const MOST = 100_000

/** How many different trials there can be; beyond 100,000 as if conditions always held. */
export function countCombinations(space: Space): number {
  const most = space.reduce((total, { distribution }) => total * countValues(distribution), 1)
  if (most > MOST) return most
  let count = 0
  for (const _ of combinations(space)) count++
  return count
}

/** Every combination of the values once, the last parameter changing fastest; for spaces without continuous ranges. */
export function* combinations(space: Space, at = 0, params: Params = {}): Generator<Params> {
  const parameter = space[at]
  if (!parameter) yield params
  else if (!isActive(parameter, params)) yield* combinations(space, at + 1, params)
  else {
    const { path, distribution } = parameter
    for (let i = 0; i < countValues(distribution); i++)
      yield* combinations(space, at + 1, { ...params, [path]: valueAt(distribution, i) })
  }
}

/** The value at a place `index` of a distribution that has a finite number of them. */
export function valueAt(distribution: Distribution, index: number): unknown {
  if (distribution.kind === 'categorical') return distribution.values[index]
  return tidy(distribution.min + index * (distribution.step ?? 1), distribution)
}

/** The value at a share `u` from 0 to 1 of the probability. */
export function fromUnit(distribution: Distribution, u: number): unknown {
  if (distribution.kind === 'categorical') return distribution.values[categoryAt(distribution, u)]
  const { min, max, scale, step } = distribution
  if (scale === 'linear' && step !== undefined) {
    const count = countValues(distribution)
    return valueAt(distribution, Math.min(count - 1, Math.floor(u * count)))
  }
  const [low, high] = ends(distribution)
  if (scale === 'linear') return tidy(low + u * (high - low), distribution)
  const value = Math.exp(Math.log(low) + u * (Math.log(high) - Math.log(low)))
  return tidy(step === undefined ? value : min + Math.round((value - min) / step) * step, {
    ...distribution,
    max,
  })
}

/** Half a step of room at either end, so that the ends of a stepped range are as likely as what lies between. */
function ends({ min, max, scale, step }: Exclude<Distribution, { kind: 'categorical' }>): [number, number] {
  if (step === undefined) return [min, max]
  const low = min - step / 2
  return [scale === 'log' && low <= 0 ? min / 2 : low, max + step / 2]
}

function categoryAt({ values, weights }: Extract<Distribution, { kind: 'categorical' }>, u: number): number {
  if (!weights) return Math.min(values.length - 1, Math.floor(u * values.length))
  let sum = 0
  for (const [i, weight] of weights.entries()) {
    sum += weight
    if (u < sum) return i
  }
  return weights.findLastIndex((weight) => weight > 0)
}

/** Without the noise of floating point, within the ends. */
export function tidy(value: number, range: Exclude<Distribution, { kind: 'categorical' }>): number {
  const { kind, min, max, step } = range
  const last = step === undefined ? max : min + Math.floor((max - min) / step + 1e-9) * step
  const rounded =
    kind === 'int' ? Math.round(value) : Number(value.toPrecision(step === undefined ? DIGITS : 12))
  return Math.min(Number(last.toPrecision(12)), Math.max(min, rounded))
}

/** The share of the range that belongs to a value: from and to, from 0 to 1; one point where values are continuous. */
export function unitCell(
  range: Exclude<Distribution, { kind: 'categorical' }>,
  value: number,
): readonly [number, number] {
  const map = range.scale === 'log' ? Math.log : (x: number): number => x
  const [low, high] = ends(range).map(map) as [number, number]
  const place = (x: number): number => Math.min(1, Math.max(0, (x - low) / (high - low)))
  if (range.step === undefined) return [place(map(value)), place(map(value))]
  const below = value - range.step / 2
  return [below <= 0 && range.scale === 'log' ? 0 : place(map(below)), place(map(value + range.step / 2))]
}

/** A number from 0 to 1 for a value: its place in the range (on its scale), or its category's place in the list. */
export function toUnit(distribution: Distribution, value: unknown): number {
  if (distribution.kind === 'categorical') {
    const index = distribution.values.findIndex((one) => sameValue(one, value))
    return distribution.values.length < 2 ? 0 : index / (distribution.values.length - 1)
  }
  const { min, max, scale } = distribution
  const map = scale === 'log' ? Math.log : (x: number): number => x
  return max === min ? 0 : (map(Number(value)) - map(min)) / (map(max) - map(min))
}
