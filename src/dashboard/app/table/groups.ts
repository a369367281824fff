/** @file Rows under headings: one for each value of a field. */
import type { RunRow } from '../../../track/read/run-row.ts'
import { fieldOf } from '../../../track/row-fields.ts'
import { runKey } from '../../../track/run-key.ts'

export interface Group {
  readonly title: string
  readonly members: readonly RunRow[]
}

export type Listed = { readonly row: RunRow } | Group

/** Pinned rows stay on top, outside of groups; groups come in the order of their first row. */
export function groupRows(
  list: readonly RunRow[],
  field: string,
  pinned: readonly string[],
): readonly Listed[] {
  if (field === '') return list.map((row) => ({ row }))
  const lines: Listed[] = []
  const groups = new Map<string, RunRow[]>()
  for (const row of list) {
    if (pinned.includes(runKey(row.id))) {
      lines.push({ row })
      continue
    }
    const title = groupTitle(fieldOf(row, field))
    const members = groups.get(title) ?? []
    members.push(row)
    groups.set(title, members)
  }
  for (const [title, members] of groups) lines.push({ title, members }, ...members.map((row) => ({ row })))
  return lines
}

function groupTitle(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ') || '(none)'
  return value === undefined || value === null || value === '' ? '(none)' : String(value)
}

/** Mean and standard deviation of a field over a group's finite values; undefined where it has none. */
export function groupFigure(
  members: readonly RunRow[],
  field: string,
): { readonly mean: number; readonly deviation: number; readonly n: number } | undefined {
  const values = members
    .map((row) => fieldOf(row, field))
    .filter((value): value is number => typeof value === 'number' && Number.isFinite(value))
  if (values.length === 0) return undefined
  const mean = values.reduce((total, value) => total + value, 0) / values.length
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0)
  const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : Number.NaN
  return { mean, deviation, n: values.length }
}
