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
}

export interface Estimate {
  readonly value: number
  readonly n: number
  /** Standard error; NaN for a single item, which says nothing of its own spread. */
  readonly stderr: number
  readonly ci95: readonly [number, number]
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

/** Wilson's 95 % interval of a share `p` seen among `n`. */
export function wilson(p: number, n: number): [number, number] {
  const z2 = Z95 * Z95
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n)
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}

export function normalInterval(value: number, stderr: number): [number, number] {
  return [value - Z95 * stderr, value + Z95 * stderr]
}

/** Whether every item is one yes or no. */
export function isBinary(items: readonly Scored[]): boolean {
  return items.every(({ score, weight }) => weight === 1 && (score === 0 || score === 1))
}

/** The headline figure of an evaluation, with the interval that fits its scores. */
export function estimate(items: readonly Scored[]): Estimate {
  const scores = items.map(({ score }) => score)
  if (isBinary(items)) return shareEstimate(scores)
  if (items.every(({ weight }) => weight === 1)) return meanEstimate(scores)
  return ratioEstimate(
    scores,
    items.map(({ weight }) => weight),
  )
}
