/** @file The middle of a few numbers, and how far they lie from it, undisturbed by single large ones. */

/** NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/**
 * Standard deviation of the noise in a series, whatever its trend: 1.4826 times the median absolute difference of
 * neighbours, over the square root of 2, which is the standard deviation where the noise is normal.
 */
export function noiseOf(series: readonly number[]): number {
  return (1.4826 / Math.SQRT2) * median(series.slice(1).map((value, i) => Math.abs(value - series[i]!)))
}
