/** @file Which rows of a table to keep, so that no column loses a peak. Pure. */

/**
 * Indexes in order: of each bucket the rows of the smallest and the largest value of every column, its first
 * row, and one where a value is not finite. All rows where there are few.
 */
export function pickRows(
  columns: ReadonlyMap<string, Float64Array>,
  length: number,
  buckets: number,
): readonly number[] {
  if (length <= 4 * buckets) return Array.from({ length }, (_, i) => i)
  const kept = new Set<number>([0, length - 1])
  for (let bucket = 0; bucket < buckets; bucket++) {
    const [start, end] = [
      Math.floor((bucket * length) / buckets),
      Math.floor(((bucket + 1) * length) / buckets),
    ]
    kept.add(start)
    for (const values of columns.values()) for (const row of extremes(values, start, end)) kept.add(row)
  }
  return [...kept].sort((a, b) => a - b)
}

function extremes(values: Float64Array, start: number, end: number): readonly number[] {
  let [low, high, odd] = [-1, -1, -1]
  for (let i = start; i < end; i++) {
    const value = values[i]!
    if (!Number.isFinite(value)) odd = i
    else {
      if (low < 0 || value < values[low]!) low = i
      if (high < 0 || value > values[high]!) high = i
    }
  }
  return [low, high, odd].filter((row) => row >= 0)
}
