/** @file Writes CSV that a spreadsheet shows and does not run. */

export type Cell = string | number | boolean | null | undefined

/** What a spreadsheet may take for a formula: these signs, also in their wide form, behind blanks or not. */
const FORMULA = /^[\t\r]|^[\s\p{Cc}]*[=+\-@\uff1d\uff0b\uff0d\uff20]/u

/** Rows as RFC 4180 has them, each ended by CR LF. */
export function toCsv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/**
 * A text that a spreadsheet would take for a formula gets an apostrophe in front; a number is written as it
 * is, its sign too.
 */
function cell(value: Cell): string {
  if (value === null || value === undefined) return ''
  if (typeof value !== 'string') return String(value)
  const text = FORMULA.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text
}
