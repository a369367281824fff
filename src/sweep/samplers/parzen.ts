/**
 * @file A density over a space: one kernel for each point and one, the prior, over everything. A kernel is a product
 * over the parameters: a normal curve cut at the ends of a range, or mostly the point's own value of a list.
 */
import type { Distribution, Params, Space, SweepParameter } from '../../plugin/contract.ts'
import { countValues, fillSpace, fromUnit, sameValue, unitCell } from '../space.ts'
import type { Draws } from './draws.ts'

type Range = Exclude<Distribution, { kind: 'categorical' }>

export interface Density {
  draw(draws: Draws): Params
  /** Logarithm of the density; of the probability where values come in steps. */
  logAt(params: Params): number
}

/** Kernels of one parameter: what each point says of it. */
interface Axis {
  readonly parameter: SweepParameter
  /** Centre of each kernel in the unit range, or its value's place in the list; undefined for the prior. */
  readonly centres: readonly (number | undefined)[]
  readonly width: number
  readonly others: number
  /** Share of a cut normal curve that lies in the range. */
  readonly inside: readonly number[]
}

/**
 * Points weigh alike; the prior weighs as much as one of them.
 * @param others how much of a kernel over a list goes to all values, whatever the point's own is
 */
export function fitDensity(space: Space, points: readonly Params[], others: number): Density {
  const count = points.length + 1
  const axes = space.map((parameter) => ({ ...fitAxis(parameter, points, space.length), others }))
  const byPath = new Map(axes.map((axis) => [axis.parameter.path, axis]))
  return {
    draw(draws) {
      const kernel = Math.floor(draws.next() * count)
      return fillSpace(space, ({ path, distribution }) =>
        drawFrom(byPath.get(path)!, distribution, kernel, draws),
      )
    },
    logAt(params) {
      const logs = new Float64Array(count)
      for (const [path, value] of Object.entries(params)) addLogs(byPath.get(path)!, value, logs)
      return logSumExp(logs) - Math.log(count)
    },
  }
}

/** What one parameter has to do with each point. */
function fitAxis(
  parameter: SweepParameter,
  points: readonly Params[],
  dimensions: number,
): Omit<Axis, 'others'> {
  const { path, distribution } = parameter
  const known = points.map((params) => centreOf(distribution, params, path))
  const centres = [...known, undefined]
  const width = distribution.kind === 'categorical' ? 1 : widthOf(known, distribution, dimensions)
  const inside = centres.map((centre) =>
    centre === undefined || distribution.kind === 'categorical'
      ? 1
      : normalCdf((1 - centre) / width) - normalCdf(-centre / width),
  )
  return { parameter, centres, width, inside }
}

/**
 * Scott's rule on the spread of the points, the whole range counting as one more point; never so narrow that few
 * points pretend to know the place exactly, or that a value's neighbour could not be reached.
 */
function widthOf(centres: readonly (number | undefined)[], range: Range, dimensions: number): number {
  const known = centres.filter((centre) => centre !== undefined)
  const count = known.length + 1
  const mean = (known.reduce((total, centre) => total + centre, 0) + 0.5) / count
  const squares = known.reduce((total, centre) => total + (centre - mean) ** 2, 0)
  const spread = Math.sqrt((squares + 1 / 12) / count)
  const scott = SCOTT * spread * Math.max(1, known.length) ** (-1 / (dimensions + 4))
  const steps = countValues(range)
  return Math.max(LEAST_WIDTH, scott, FEW / count, Number.isFinite(steps) ? 1 / steps : 0)
}
const SCOTT = 0.7
const FEW = 0.3
const LEAST_WIDTH = 0.01

function centreOf(distribution: Distribution, params: Params, path: string): number | undefined {
  if (!Object.hasOwn(params, path)) return undefined
  const value = params[path]
  if (distribution.kind === 'categorical')
    return distribution.values.findIndex((one) => sameValue(one, value))
  const [low, high] = unitCell(distribution, Number(value))
  return (low + high) / 2
}

function drawFrom(axis: Axis, distribution: Distribution, kernel: number, draws: Draws): unknown {
  const centre = axis.centres[kernel]
  if (centre === undefined) return fromUnit(distribution, draws.next())
  if (distribution.kind === 'categorical') {
    const other = draws.next() < axis.others
    return other ? fromUnit(distribution, draws.next()) : distribution.values[centre]
  }
  for (;;) {
    const u = centre + axis.width * draws.normal()
    if (u >= 0 && u < 1) return fromUnit(distribution, u)
  }
}

/** Adds the logarithm of each kernel at `value`. */
function addLogs(axis: Axis, value: unknown, logs: Float64Array): void {
  const { distribution } = axis.parameter
  const at =
    distribution.kind === 'categorical'
      ? categoryLog(axis, distribution, value)
      : rangeLog(axis, distribution, value)
  for (const [k, centre] of axis.centres.entries()) logs[k]! += at(centre, k)
}

/** Logarithm of kernel `k` with this centre at one value. */
type KernelLog = (centre: number | undefined, k: number) => number

function categoryLog(
  { others }: Axis,
  distribution: Extract<Distribution, { kind: 'categorical' }>,
  value: unknown,
): KernelLog {
  const place = distribution.values.findIndex((one) => sameValue(one, value))
  const prior = distribution.weights?.[place] ?? 1 / distribution.values.length
  return (centre) => {
    const own = centre === place ? 1 - others : 0
    return Math.log(centre === undefined ? prior : own + others * prior)
  }
}

function rangeLog({ width, inside }: Axis, distribution: Range, value: unknown): KernelLog {
  const [low, high] = unitCell(distribution, Number(value))
  if (low === high)
    return (centre, k) => {
      if (centre === undefined) return 0
      const z = (low - centre) / width
      return -0.5 * z * z - Math.log(width * Math.sqrt(2 * Math.PI) * inside[k]!)
    }
  return (centre, k) => {
    if (centre === undefined) return Math.log(high - low)
    const mass = normalCdf((high - centre) / width) - normalCdf((low - centre) / width)
    return Math.log(Math.max(mass, Number.MIN_VALUE) / inside[k]!)
  }
}

function logSumExp(logs: Float64Array): number {
  const most = logs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  return most + Math.log(logs.reduce((total, log) => total + Math.exp(log - most), 0))
}

/** Distribution function of the standard normal, by the error function of Abramowitz and Stegun, 7.1.26 (1.5e-7). */
export function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const poly =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const tail = 0.5 * poly * Math.exp(-x * x)
  return z >= 0 ? 1 - tail : tail
}
