/** @file An axis from values to pixels: linear, logarithmic, or one place for each word. */
import type { RunRow } from '../../../track/read/run-row.ts'
import { fieldOf } from '../../../track/row-fields.ts'
import { tick as axisText } from '../parts/format.ts'
import { categoriesOf } from '../state/runs.ts'

export interface Scale {
  readonly field: string
  /** Words in their places; empty for numbers. */
  readonly words: readonly string[]
  readonly low: number
  readonly high: number
  readonly log: boolean
  /** Where a row stands, from 0 to 1; undefined where it has no finite value. */
  at(row: RunRow): number | undefined
  /** From 0..1 back to a value, or to the place of a word. */
  value(part: number): number
  part(value: number): number
  text(value: number): string
  readonly ticks: readonly number[]
}

/** Values so far apart are drawn on a logarithmic axis. */
const WIDE = 10

export function scaleOf(field: string, rows: readonly RunRow[]): Scale {
  const words = categoriesOf(field, rows)
  const place = (row: RunRow): number => {
    const value = fieldOf(row, field)
    if (words.length > 0)
      return value === undefined || value === null ? Number.NaN : words.indexOf(String(value))
    return typeof value === 'number' ? value : Number.NaN
  }
  const values = rows.map(place).filter(Number.isFinite)
  const [low, high] = values.length > 0 ? [Math.min(...values), Math.max(...values)] : [0, 1]
  const log = words.length === 0 && low > 0 && high / low >= WIDE
  const there = log ? Math.log : (value: number): number => value
  const back = log ? Math.exp : (value: number): number => value
  const [start, width] = [there(low), there(high) - there(low)]
  const part = (value: number): number => (width === 0 ? 0.5 : (there(value) - start) / width)
  return {
    field,
    words,
    low,
    high,
    log,
    at: (row) => {
      const value = place(row)
      return Number.isFinite(value) ? part(value) : undefined
    },
    value: (share) => back(start + share * width),
    part,
    text: (value) => (words.length > 0 ? (words[Math.round(value)] ?? '') : axisText(field, value)),
    ticks: apart(ticksOf(words, low, high, log, values), part),
  }
}

/** Few values are shown each; else round numbers. */
function ticksOf(
  words: readonly string[],
  low: number,
  high: number,
  log: boolean,
  values: readonly number[],
): number[] {
  if (words.length > 0) return words.map((_, i) => i)
  const unique = [...new Set(values)].sort((a, b) => a - b)
  return unique.length <= 6 ? unique : roundTicks(low, high, log)
}

/** Round numbers from `low` to `high`; three places of a logarithmic axis. */
export function roundTicks(low: number, high: number, log: boolean): number[] {
  if (!(high > low)) return [low]
  if (log) return [low, Math.sqrt(low * high), high]
  const step = niceStep((high - low) / 4)
  const first = Math.ceil(low / step) * step
  return Array.from({ length: Math.floor((high - first) / step + 1e-9) + 1 }, (_, i) => first + i * step)
}

/** Labels closer together than this share of the axis would cover one another. */
const CLOSEST = 0.045

/** Ticks far enough apart to be read; the ends stay. */
function apart(ticks: readonly number[], part: (value: number) => number): readonly number[] {
  const kept: number[] = []
  for (const tick of ticks) {
    const last = kept.at(-1)
    if (last === undefined || part(tick) - part(last) >= CLOSEST) kept.push(tick)
    else if (tick === ticks.at(-1)) kept.splice(kept.length > 1 ? -1 : kept.length, 1, tick)
  }
  return kept
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  const lead = rough / power
  return (lead > 5 ? 10 : lead > 2 ? 5 : lead > 1 ? 2 : 1) * power
}
