/** @file The fields of a row by the names that people use in queries, columns and sort orders. Pure. */
import type { Lookup } from './query.ts'
import type { RunRow } from './read/run-row.ts'

/** Fields that every row has. */
const OWN: Readonly<Record<string, (row: RunRow) => unknown>> = {
  '*': ({ id, name, status, tags, note }) => [id, name, status, ...tags, note],
  id: ({ id }) => id,
  name: ({ name }) => name,
  status: ({ status }) => status,
  reason: ({ reason }) => reason,
  started: ({ started }) => started,
  ended: ({ ended }) => ended,
  step: ({ step }) => step,
  steps: ({ steps }) => steps,
  sweep: ({ sweep }) => sweep,
  trial: ({ trial }) => trial,
  tag: ({ tags }) => tags,
  tags: ({ tags }) => tags,
  note: ({ note }) => note,
  problems: ({ problems }) => problems,
}

/** The value of a field: its own, a figure, a setting, else one whose dotted name ends so (`rank`: `adapter.rank`). */
export function fieldOf(row: RunRow, field: string): unknown {
  if (Object.hasOwn(OWN, field)) return OWN[field]!(row)
  for (const part of [row.figures, row.config, row.about]) {
    if (Object.hasOwn(part, field)) return part[field]
  }
  const end = `.${field}`
  for (const part of [row.config, row.figures, row.about]) {
    const key = Object.keys(part).find((name) => name.endsWith(end))
    if (key !== undefined) return part[key]
  }
  return undefined
}

/** Whether a row has, or could have, a field of this name. */
export function hasField(row: RunRow, field: string): boolean {
  return Object.hasOwn(OWN, field) || fieldOf(row, field) !== undefined
}

export function lookupIn(row: RunRow): Lookup {
  return (field) => fieldOf(row, field)
}

/** Order of two values of a field: numbers by size, text by its letters; what is missing or NaN comes last. */
export function compareValues(a: unknown, b: unknown): number {
  const [noA, noB] = [isNothing(a), isNothing(b)]
  if (noA || noB) return Number(noA) - Number(noB)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), 'en', { numeric: true })
}

/** Rows in the order of a field; with `descending` the largest first, and still what is missing last. */
export function sortRows(rows: readonly RunRow[], field: string, descending: boolean): RunRow[] {
  const keyed = rows.map((row) => ({ row, value: fieldOf(row, field) }))
  keyed.sort((a, b) => {
    const order = compareValues(a.value, b.value)
    return descending && !isNothing(a.value) && !isNothing(b.value) ? -order : order
  })
  return keyed.map(({ row }) => row)
}

export function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || Number.isNaN(value)
}

/** Parts of a recipe that say how a run is watched and kept, not what it comes to. */
const WATCHING = new Set(['eval', 'trackers', 'samples', 'exports', 'checkpoint', 'plugins'])

/** Settings that are not the same in all rows: what tells these runs apart, what only watches them last. */
export function differing(rows: readonly RunRow[]): readonly string[] {
  const keys = new Set(rows.flatMap(({ config }) => Object.keys(config)))
  const found = [...keys].filter((key) => new Set(rows.map(({ config }) => String(config[key]))).size > 1)
  const watches = (key: string): boolean => WATCHING.has(key.split('.')[0]!)
  return [...found.filter((key) => !watches(key)), ...found.filter(watches)]
}
