/** @file What a click on a column's head sorts by. */
import { isLowerBetter } from '../state/runs.ts'

/** The best first, then the other way round, then the newest first again. */
export function headSort(field: string, now: string): string {
  const text = field === 'name' || field === 'status'
  const best = text || isLowerBetter(field) ? field : `-${field}`
  const other = best.startsWith('-') ? field : `-${field}`
  if (now === best) return other
  return now === other ? '-started' : best
}
