/** @file Numbers and names as the page shows them. */
import type { RunRow } from '../../../track/read/run-row.ts'

/** Short enough for a table or an axis: 0.7143, 1.2e-4, 12,345. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e9))
    return String(Number(value.toPrecision(3))).includes('e')
      ? String(Number(value.toPrecision(3))).replace('e+', 'e')
      : value.toExponential(2).replace('e+', 'e')
  if (Number.isInteger(value) || size >= 1000) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(4)))
}

export function seconds(value: number): string {
  if (!Number.isFinite(value)) return ''
  const whole = Math.round(value)
  if (whole < 60) return `${whole} s`
  const pad = (part: number): string => String(part).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`
  return value >= 1e6 ? `${Math.round(value / 1e6)} MB` : `${Math.ceil(value / 1e3)} kB`
}

/** A figure by its name. */
export function figure(field: string, value: number): string {
  if (field === 'seconds') return seconds(value)
  if (field.endsWith('_bytes')) return bytes(value)
  if (isShare(field) && Number.isFinite(value)) return `${(100 * value).toFixed(1)} %`
  return short(value)
}

export function isShare(field: string): boolean {
  return /(^|\.)acc[a-z_]*(\.base|\.difference)?$/.test(field)
}

/** A tick of an axis: as few digits as it takes. */
export function tick(field: string, value: number): string {
  return isShare(field) ? `${Number((100 * value).toFixed(1))} %` : figure(field, value)
}

/** A run's name; trials of a sweep, which share one, by their number behind it: `quickstart #18`. */
export function nameOf({ name, trial }: Pick<RunRow, 'name' | 'trial'>): string {
  const index = /^\d+(?=-)/.exec(trial ?? '')?.[0]
  return index === undefined ? name : `${name} #${Number(index)}`
}

/** A field's value, of whatever kind. */
export function shown(field: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'number') return figure(field, value)
  if (field === 'started' || field === 'ended') return when(String(value))
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/** 22 Nov 10:04, in the reader's time. */
export function when(time: string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return ''
  return date.toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
}

/** The last parts of a dotted name, which tell it apart. */
export function shortName(field: string): string {
  const parts = field.replace(/^eval\./, '').split('.')
  return parts.slice(-2).join('.')
}

const LABELS: Readonly<Record<string, string>> = {
  seconds: 'time',
  tokens_per_second: 'tokens/s',
  grad_norm: 'gradient norm',
  lr: 'learning rate',
  'system.rss_bytes': 'memory',
  'system.cpu': 'CPU, cores',
  started: 'started',
}

export function label(field: string): string {
  const own = LABELS[field]
  if (own !== undefined) return own
  const score = /^eval\.(.+)\.([^.]+)$/.exec(field)
  return score ? `${score[1]} · ${score[2]}` : field.replace(/^system\./, '').replaceAll('_', ' ')
}

/** The head of a column: of a setting its last part, the rest is in the title. */
export function heading(field: string): string {
  const plain = label(field)
  return plain === field && field.includes('.')
    ? field.slice(field.lastIndexOf('.') + 1).replaceAll('_', ' ')
    : plain
}
