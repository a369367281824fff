/** @file Numbers as people read them. */

export { formatBytes as bytes } from '../util/bytes.ts'

/** 12,345 or 3.27. */
export function count(value: number): string {
  if (!Number.isFinite(value)) return 'unknown'
  return value >= 100 || Number.isInteger(value)
    ? Math.round(value).toLocaleString('en-US')
    : value.toPrecision(3)
}

/** 9 s, 1:05 or 2:03:04. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown'
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const pad = (part: number): string => String(part).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`
}

/** A figure of an evaluation: a share as a percentage, anything else with four digits. */
export function figure(metric: string, value: number): string {
  if (isShare(metric)) return `${(100 * value).toFixed(1)} %`
  return Number.isFinite(value) ? value.toFixed(4) : String(value)
}

/** A difference of two such figures, with its sign; of shares in percentage points. */
export function difference(metric: string, value: number): string {
  const plus = value >= 0 ? '+' : ''
  return isShare(metric) ? `${plus}${(100 * value).toFixed(1)} points` : `${plus}${figure(metric, value)}`
}

/** Too few draws have no interval: a single item, or several that share one cluster. */
export function interval(metric: string, ends: readonly [number, number]): string {
  if (ends.every(Number.isNaN)) return '[no interval]'
  return `[${ends.map((end) => figure(metric, end).replace(' %', '')).join(', ')}]`
}

/** Down to what a permutation test or a reader can tell apart. */
export function pValue(p: number): string {
  if (Number.isNaN(p)) return 'no p-value'
  return p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`
}

/** Of items that are right or not. */
const SHARES = new Set(['chance', 'exact_match', 'flexible', 'mean_of_samples', 'strict'])

function isShare(metric: string): boolean {
  return metric.startsWith('acc') || SHARES.has(metric)
}
