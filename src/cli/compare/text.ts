/** @file A comparison for the terminal. */
import type { Comparison } from '../../track/compare/compare.ts'
import { colorsFor } from '../colors.ts'
import { type TableCell, table } from '../table.ts'
import { sections } from './sections.ts'

export function toText(comparison: Comparison): string {
  const colors = colorsFor(process.stdout)
  const paint: Readonly<Record<string, (text: string) => string>> = {
    better: colors.green,
    worse: colors.red,
    failed: colors.red,
    crashed: colors.red,
  }
  const cell = (text: string): TableCell =>
    Object.hasOwn(paint, text) ? { text, paint: paint[text]! } : text
  return sections(comparison)
    .map(({ title, columns, rows, notes }) => {
      const body = table(
        columns,
        rows.map((row) => row.map(cell)),
        colors.dim,
      )
      return `${colors.bold(title)}\n${body}${notes.map((note) => `${note}\n`).join('')}`
    })
    .join('\n')
}
