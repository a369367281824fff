/** @file A comparison in Markdown, for a page or a pull request. */
import type { Comparison } from '../../track/compare/compare.ts'
import { visibleLine } from '../../util/visible.ts'
import { sections } from './sections.ts'

export function toMarkdown(comparison: Comparison): string {
  return sections(comparison)
    .map(({ title, columns, rows, notes }) => {
      const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
      const head = line(columns.map((column) => escapeMarkdown(column.title)))
      const rule = line(columns.map(({ right }) => (right ? '---:' : '---')))
      const body = rows.map((row) => line(row.map(escapeMarkdown))).join('')
      return `## ${escapeMarkdown(title)}\n\n${head}${rule}${body}${notes.map((note) => `\n${note}\n`).join('')}`
    })
    .join('\n')
}

/** Text as text: no markup, no HTML, no link, no end of the cell. */
export function escapeMarkdown(text: string): string {
  return visibleLine(text)
    .replace(/[\\`*_{}[\]<>|~#!&]/g, (sign) => `\\${sign}`)
    .replace(/\b(https?|ftp):\/\/|\bwww\./gi, (start) => start.replace(/[:.]/, (sign) => `\\${sign}`))
}
