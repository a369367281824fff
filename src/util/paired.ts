/**
 * @file Is the tuned model better than the base on the same items? Paired, since both answered the same
 * questions: most of the spread between items cancels.
 */
import { bootstrapT, type Unit } from './bootstrap.ts'
import { clustersOf, type Estimate, isBinary, isClustered, type Scored, sum, Z95 } from './statistics.ts'

/** Normal quantiles of a two-sided 5 % test and 80 % power. */
const POWER = Z95 + 0.8416212335729143

export interface Comparison extends Estimate {
  /** Two-sided p-value of "no difference". */
  readonly p: number
  readonly test: 'mcnemar-exact' | 'paired-bootstrap'
  /** Smallest true difference that this many items would show in 80 of 100 runs; NaN where none would, or no score changed, which says nothing of the spread. */
  readonly mde: number
}

/** An item's difference, tuned - base; its weight is the tuned one's. */
type Pair = Scored

/**
 * Difference tuned - base over the items that both have, matched by id. Yes-or-no scores take McNemar's exact
 * test; anything else, and items that share clusters, the paired bootstrap.
 */
export function compareItems(base: readonly Scored[], tuned: readonly Scored[], seed: number): Comparison {
  const before = new Map(base.map((item) => [item.id, item.score]))
  const pairs = tuned.flatMap((item): Pair[] => {
    const score = before.get(item.id)
    return score === undefined ? [] : [{ ...item, score: item.score - score }]
  })
  const clustered = isClustered(pairs)
  return isBinary(base) && isBinary(tuned) && !clustered
    ? compareAnswers(pairs)
    : compareScores(pairs, clustered, seed)
}

/**
 * Yes or no on independent items. The interval is Bonett and Price's (2012), the adjusted Wald for paired
 * shares: a gain and a loss are added, so that it has a width where no item changed.
 */
function compareAnswers(pairs: readonly Pair[]): Comparison {
  const differences = pairs.map(({ score }) => score)
  const n = pairs.length
  const gains = differences.filter((d) => d > 0).length
  const losses = differences.filter((d) => d < 0).length
  const value = (gains - losses) / n
  const stderr = n > 1 ? Math.sqrt((gains + losses - n * value ** 2) / (n * (n - 1))) : Number.NaN
  const middle = (gains - losses) / (n + 2)
  const adjusted = Math.sqrt(((gains + losses + 2) / (n + 2) - middle ** 2) / (n + 2))
  const ci95 = [Math.max(-1, middle - Z95 * adjusted), Math.min(1, middle + Z95 * adjusted)] as const
  const p = differences.some(Number.isNaN) ? Number.NaN : mcnemar(differences)
  // No share differs by more than 1: so few items would show nothing.
  const mde = POWER * adjusted
  return { value, n, stderr, ci95, p, test: 'mcnemar-exact', mde: mde > 1 ? Number.NaN : mde }
}

/** Any scores, weighted or clustered: sum(score) / sum(weight), with clusters drawn anew. */
function compareScores(pairs: readonly Pair[], clustered: boolean, seed: number): Comparison {
  const units = [...clustersOf(pairs).values()].map(
    (members): Unit => ({
      score: sum(members.map(({ score }) => score)),
      weight: sum(members.map(({ weight }) => weight)),
    }),
  )
  const { value, stderr, ci95, p } = bootstrapT(units, seed)
  const clusters = clustered ? { clusters: units.length } : {}
  const mde = stderr > 0 ? POWER * stderr : Number.NaN
  return { value, n: pairs.length, stderr, ci95, p, test: 'paired-bootstrap', mde, ...clusters }
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

/**
 * Holm's p-values (1979) of a family of tests: each may be held against 5 %, and the chance that any of those
 * without a true difference falls below stays 5 %. One that is NaN stays so and counts as a test.
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).filter((i) => !Number.isNaN(values[i]!))
  order.sort((a, b) => values[a]! - values[b]!)
  const adjusted = values.map(() => Number.NaN)
  let least = 0
  order.forEach((index, rank) => {
    least = Math.max(least, Math.min(1, (values.length - rank) * values[index]!))
    adjusted[index] = least
  })
  return adjusted
}

export type Verdict = 'better' | 'worse' | 'no difference shown'

/**
 * What may be said of a difference: better or worse only where the p-value (corrected, where there are several
 * tests) is below 5 % and the interval leaves zero out.
 */
export function verdict(
  { value, ci95 }: Pick<Comparison, 'value' | 'ci95'>,
  p: number,
  better: 'higher' | 'lower',
): Verdict {
  const shown = p < 0.05 && (ci95[0] > 0 || ci95[1] < 0)
  if (!shown) return 'no difference shown'
  return value > 0 === (better === 'higher') ? 'better' : 'worse'
}
