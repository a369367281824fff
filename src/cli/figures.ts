/** @file Figures of a run by their name, as people read them. */
import { bytes, count, duration, figure } from './format.ts'

/** 0.7143, 71.4 %, 1:05, 512 MB: whichever fits the figure's name. */
export function namedFigure(key: string, value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (key === 'seconds') return duration(value)
  if (key.endsWith('_bytes')) return bytes(value)
  if (/^(tokens|steps?|trainable|tokens_per_second|label_tokens|tokens_seen)$/.test(key)) return count(value)
  const metric = /^eval\..*\.([^.]+?)(\.base|\.difference)?$/.exec(key)?.[1]
  if (metric) return figure(metric, value)
  return Math.abs(value) > 0 && Math.abs(value) < 1e-3 ? value.toExponential(2) : value.toFixed(4)
}

/** A setting, as it was written. */
export function plainText(value: unknown): string {
  if (value === undefined || value === null) return ''
  return Array.isArray(value) ? value.join(', ') : String(value)
}
