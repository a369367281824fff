/**
 * @file Figures with their uncertainty, from one score per item. An item is the unit of sampling: a
 * question, or a whole document whose tokens belong together.
 */
/** Quantile of the standard normal behind a 95 % interval. */
export const Z95 = 1.959963984540054

/** An item's score, and the count of units behind it (tokens, or 1). */
export interface Scored {
  readonly id: string
  readonly score: number
  readonly weight: number
  /** What it shares with other items, such as the passage that several questions are about: they are one draw. */
  readonly cluster?: string
}

export interface Estimate {
  readonly value: number
  readonly n: number
  /** Standard error; NaN for a single item, which says nothing of its own spread. */
  readonly stderr: number
  readonly ci95: readonly [number, number]
  /** How many clusters the items came in, where some share one: the number of independent draws. */
  readonly clusters?: number
}

/** Sum without the loss of small terms that a plain loop has. */
export function sum(values: readonly number[]): number {
  let total = 0
  let lost = 0
  for (const value of values) {
    const next = total + value
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  return total + lost
}

/** Mean of independent scores: SE = sqrt(sum (s - mean)^2 / (n (n - 1))), interval by the normal. */
export function meanEstimate(scores: readonly number[]): Estimate {
  const n = scores.length
  const value = sum(scores) / n
  const stderr = n > 1 ? Math.sqrt(sum(scores.map((s) => (s - value) ** 2)) / (n * (n - 1))) : Number.NaN
  return { value, n, stderr, ci95: normalInterval(value, stderr) }
}

/** Share of successes; its interval is Wilson's, which holds for few items and near 0 and 1. */
export function shareEstimate(scores: readonly number[]): Estimate {
  const { value, n, stderr } = meanEstimate(scores)
  return { value, n, stderr, ci95: wilson(value, n) }
}

/**
 * sum(score) / sum(weight), such as a loss over tokens: the items are clusters of `weight` units, and the
 * standard error is that of a ratio (delta method over items).
 */
export function ratioEstimate(scores: readonly number[], weights: readonly number[]): Estimate {
  const n = scores.length
  const units = sum(weights)
  const value = sum(scores) / units
  const residuals = scores.map((s, i) => (s - value * weights[i]!) ** 2)
  const stderr = n > 1 ? Math.sqrt((n / (n - 1)) * sum(residuals)) / units : Number.NaN
  return { value, n, stderr, ci95: normalInterval(value, stderr) }
}

/** Wilson's 95 % interval of a share `p` seen among `n`; `z` is the quantile behind it. */
export function wilson(p: number, n: number, z = Z95): [number, number] {
  const z2 = z * z
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n)
  const half = (z / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}

/**
 * The same figures where items come in clusters, which are the draws: SE^2 = G/(G-1) * sum over clusters of
 * (sum of s - R*w)^2 / (sum of w)^2 (Miller 2024, arXiv:2411.00640, with the correction for few clusters). The
 * interval takes Student's t with G - 1 degrees of freedom.
 */
export function clusteredEstimate(items: readonly Scored[]): Estimate {
  const n = items.length
  const units = sum(items.map(({ weight }) => weight))
  const value = sum(items.map(({ score }) => score)) / units
  const residuals = [...clustersOf(items).values()].map((members) =>
    sum(members.map(({ score, weight }) => score - value * weight)),
  )
  const clusters = residuals.length
  const spread = sum(residuals.map((r) => r * r))
  const stderr = clusters > 1 ? Math.sqrt((clusters / (clusters - 1)) * spread) / units : Number.NaN
  const t = studentT975(clusters - 1)
  if (!isBinary(items)) return { value, n, stderr, ci95: normalInterval(value, stderr, t), clusters }
  // As many independent questions as would spread this far; none spreads at 0 and 1, where a cluster is one.
  const effective = stderr > 0 ? Math.min(n, (value * (1 - value)) / stderr ** 2) : clusters
  return { value, n, stderr, ci95: wilson(value, Math.max(1, effective), t), clusters }
}

/** Items by what they share; an item without a cluster is one of its own. */
export function clustersOf<T extends Scored>(items: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const clusters = new Map<string, T[]>()
  for (const item of items) {
    const key = item.cluster === undefined ? `item ${item.id}` : `cluster ${item.cluster}`
    const members = clusters.get(key)
    if (members) members.push(item)
    else clusters.set(key, [item])
  }
  return clusters
}

/** Whether some items share a cluster, so that there are fewer draws than items. */
export function isClustered(items: readonly Scored[]): boolean {
  return items.some(({ cluster }) => cluster !== undefined) && clustersOf(items).size < items.length
}

/** Exact to four digits where the series below is not. */
const FEW_DEGREES = [Number.NaN, 12.7062, 4.3027, 3.1824, 2.7764]

/** The 97.5 % quantile of Student's t: the series of Cornish and Fisher around the normal one (Abramowitz and Stegun 26.7.5). */
export function studentT975(degrees: number): number {
  if (degrees < FEW_DEGREES.length) return FEW_DEGREES[degrees] ?? Number.NaN
  const [z, v] = [Z95, degrees]
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
  ]
  return terms.reduce((total, term, i) => total + term / v ** (i + 1), z)
}

export function normalInterval(value: number, stderr: number, z = Z95): [number, number] {
  return [value - z * stderr, value + z * stderr]
}

/** Whether every item is one yes or no. */
export function isBinary(items: readonly Scored[]): boolean {
  return items.every(({ score, weight }) => weight === 1 && (score === 0 || score === 1))
}

/** The headline figure of an evaluation, with the interval that fits its scores. */
export function estimate(items: readonly Scored[]): Estimate {
  const scores = items.map(({ score }) => score)
  if (isClustered(items)) return clusteredEstimate(items)
  if (isBinary(items)) return shareEstimate(scores)
  if (items.every(({ weight }) => weight === 1)) return meanEstimate(scores)
  return ratioEstimate(
    scores,
    items.map(({ weight }) => weight),
  )
}
