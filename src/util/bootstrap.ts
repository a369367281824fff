/** @file The paired bootstrap: how far the difference would be, had other items been drawn. */
import { bitsOf, streamOf } from './random.ts'
import { studentT975 } from './statistics.ts'

const RESAMPLES = 10_000
/** Draws at most; large sets need fewer resamples, and have at least 1,000. */
const DRAWS = 20_000_000

/** One draw: an item, or all items of a cluster. `score` is the sum of differences, `weight` of what they count. */
export interface Unit {
  readonly score: number
  readonly weight: number
}

export interface BootstrapResult {
  /** sum(score) / sum(weight) */
  readonly value: number
  readonly stderr: number
  readonly ci95: readonly [number, number]
  readonly p: number
}

/**
 * Symmetric bootstrap-t (Hall 1988): each resample's difference from the one seen, in its own standard errors.
 * p is the share of resamples at least as far out as zero is, and the interval reaches as far as 95 % of them,
 * so that the two agree. The seed decides the draws.
 */
export function bootstrapT(units: readonly Unit[], seed: number, resamples = RESAMPLES): BootstrapResult {
  const scores = Float64Array.from(units, ({ score }) => score)
  const weights = Float64Array.from(units, ({ weight }) => weight)
  const { value, stderr } = ratio(scores, weights, Uint32Array.from(scores.keys()))
  // No comparison with NaN is true: it would read as the most significant difference there is.
  if (Number.isNaN(value) || Number.isNaN(stderr))
    return { value, stderr, ci95: [Number.NaN, Number.NaN], p: Number.NaN }
  if (stderr === 0) {
    // Every unit changed alike: only the flips of all signs are as far out.
    return { value, stderr, ci95: [value, value], p: value === 0 ? 1 : 2 ** (1 - units.length) }
  }
  const count = Math.max(1000, Math.min(resamples, Math.floor(DRAWS / units.length)))
  const distances = resample(scores, weights, value, count, seed)
  const seen = Math.abs(value / stderr)
  // Rounding must not make a resample equal to what was seen look smaller than it.
  const beyond = distances.reduce((total, t) => total + (t >= seen * (1 - 1e-12) ? 1 : 0), 0)
  const changed = scores.reduce((total, d) => total + (d === 0 ? 0 : 1), 0)
  const quantile = distances[Math.ceil(0.95 * (count + 1)) - 1]!
  const reach = Number.isFinite(quantile) ? quantile : studentT975(Math.max(1, changed - 1))
  // Of a few changes even the most lopsided is no rare event: of all signs of m of them, two are as far out.
  const p = Math.max((1 + beyond) / (1 + count), 2 ** (1 - changed))
  return { value, stderr, ci95: [value - reach * stderr, value + reach * stderr], p: Math.min(1, p) }
}

/** Distances |t| of the resamples, sorted. One without any spread of its own is infinitely far, unless it is at the value. */
function resample(
  scores: Float64Array,
  weights: Float64Array,
  value: number,
  count: number,
  seed: number,
): Float64Array {
  const size = scores.length
  const distances = new Float64Array(count)
  const drawn = drawsOf(seed, size, count)
  for (let round = 0; round < count; round++) {
    const { value: other, stderr } = ratio(scores, weights, drawn(round))
    const distance = Math.abs(other - value)
    distances[round] = stderr > 0 ? distance / stderr : distance === 0 ? 0 : Number.POSITIVE_INFINITY
  }
  return distances.sort()
}

/** The units of a round. */
type Draws = (round: number) => Uint32Array

/** Draws that are kept for the next comparison, at most. */
const KEPT = 5_000_000
let last: { readonly key: string; readonly draws: Draws } | undefined

/**
 * Which units each round takes. Runs that are compared with one another have the same items, and so the same draws:
 * the last ones are kept, since making them takes longer than adding up what they choose.
 */
function drawsOf(seed: number, size: number, count: number): Draws {
  const key = `${seed} ${size} ${count}`
  if (last?.key === key) return last.draws
  const random = bitsOf(seed, streamOf('bootstrap'))
  const draw = (into: Uint32Array, from: number): Uint32Array => {
    for (let i = 0; i < into.length; i++) into[i] = Math.floor((random(from + i) / 2 ** 32) * size)
    return into
  }
  if (size * count > KEPT) {
    const round = new Uint32Array(size)
    return (number) => draw(round, number * size)
  }
  const all = draw(new Uint32Array(size * count), 0)
  const draws: Draws = (round) => all.subarray(round * size, (round + 1) * size)
  last = { key, draws }
  return draws
}

/** The ratio of the units drawn, each as often as it was, and its standard error (delta method over units). */
function ratio(
  scores: Float64Array,
  weights: Float64Array,
  drawn: Uint32Array,
): { readonly value: number; readonly stderr: number } {
  let [s, w, ss, sw, ww] = [0, 0, 0, 0, 0]
  for (let i = 0; i < drawn.length; i++) {
    const score = scores[drawn[i]!]!
    const weight = weights[drawn[i]!]!
    s += score
    w += weight
    ss += score * score
    sw += score * weight
    ww += weight * weight
  }
  const value = s / w
  const spread = ss - 2 * value * sw + value * value * ww
  const size = drawn.length
  const own = spread > 1e-12 * ss ? spread : 0
  return { value, stderr: size > 1 ? Math.sqrt((own * size) / (size - 1)) / w : Number.NaN }
}
