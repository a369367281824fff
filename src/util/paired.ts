/**
 * @file Is the tuned model better than the base on the same items? Paired, since both answered the same
 * questions: most of the spread between items cancels.
 */
import { type Estimate, isBinary, meanEstimate, ratioEstimate, type Scored } from './statistics.ts'

const FLIPS = 10_000
/** Normal quantiles of a two-sided 5 % test and 80 % power. */
const POWER = 1.959963984540054 + 0.8416212335729143

export interface Comparison extends Estimate {
  /** Two-sided p-value of "no difference". */
  readonly p: number
  readonly test: 'mcnemar-exact' | 'paired-permutation'
  /** Smallest true difference that this many items would show in 80 of 100 runs. */
  readonly mde: number
}

/** Difference tuned - base over the items that both have, matched by id. */
export function compareItems(base: readonly Scored[], tuned: readonly Scored[], seed: number): Comparison {
  const before = new Map(base.map((item) => [item.id, item]))
  const pairs = tuned.flatMap((after) => {
    const item = before.get(after.id)
    return item ? [{ before: item, after }] : []
  })
  const differences = pairs.map(({ before, after }) => after.score - before.score)
  const weights = pairs.map(({ after }) => after.weight)
  const equal = weights.every((weight) => weight === 1)
  const found = equal ? meanEstimate(differences) : ratioEstimate(differences, weights)
  const binary = isBinary(base) && isBinary(tuned)
  return {
    ...found,
    p: binary ? mcnemar(differences) : permutation(differences, seed),
    test: binary ? 'mcnemar-exact' : 'paired-permutation',
    mde: POWER * found.stderr,
  }
}

/** Exact McNemar: among items that changed, were gains and losses equally likely? */
export function mcnemar(differences: readonly number[]): number {
  const gains = differences.filter((d) => d > 0).length
  const losses = differences.filter((d) => d < 0).length
  const n = gains + losses
  let tail = 0
  let log = -n * Math.LN2
  for (let k = 0; k <= Math.min(gains, losses); k++) {
    tail += Math.exp(log)
    log += Math.log(n - k) - Math.log(k + 1)
  }
  return Math.min(1, 2 * tail)
}

/** Share of random sign flips of the differences whose sum is at least as far from zero as the real one; NaN where a difference is. */
export function permutation(differences: readonly number[], seed: number, flips = FLIPS): number {
  const random = bits(seed)
  const target = Math.abs(differences.reduce((total, d) => total + d, 0))
  // No comparison with NaN is true: it would read as the most significant difference there is.
  if (Number.isNaN(target)) return Number.NaN
  // Rounding must not make the unflipped sum look smaller than itself.
  const bar = target * (1 - 1e-12)
  let beyond = 0
  for (let flip = 0; flip < flips; flip++) {
    let total = 0
    let word = 0
    for (let i = 0; i < differences.length; i++) {
      if (i % 32 === 0) word = random()
      total += word & 1 ? differences[i]! : -differences[i]!
      word >>>= 1
    }
    if (Math.abs(total) >= bar) beyond++
  }
  return (1 + beyond) / (1 + flips)
}

/** 32 random bits a call (splitmix32). */
function bits(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}
