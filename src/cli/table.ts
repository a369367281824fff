/** @file Rows of text in columns, for a terminal. */
import { stripVTControlCharacters } from 'node:util'
import { visibleLine } from '../util/visible.ts'

export interface Column {
  readonly title: string
  /** Numbers stand at the right. */
  readonly right?: boolean
}

/** A cell: text of unknown making, or text of our own with colours, as `{ text, paint }`. */
export type TableCell = string | { readonly text: string; readonly paint: (text: string) => string }

const GAP = '  '

/** Lines with a heading, each ended by a newline. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly TableCell[])[],
  bold: (text: string) => string,
): string {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'string' ? { text: cell, paint: same } : cell)),
  )
  const texts = cells.map((row) => row.map(({ text }) => visibleLine(text)))
  const widths = columns.map(({ title }, i) =>
    texts.reduce((most, row) => Math.max(most, width(row[i] ?? '')), title.length),
  )
  const line = (values: readonly string[], paint: (i: number) => (text: string) => string): string =>
    values
      .map((value, i) => {
        const blank = ' '.repeat(widths[i]! - width(value))
        const text = paint(i)(value)
        if (columns[i]!.right) return blank + text
        return i === values.length - 1 ? text : text + blank
      })
      .join(GAP)
      .trimEnd()
  const head = line(
    columns.map(({ title }) => title),
    () => bold,
  )
  const body = texts.map((row, r) => line(row, (i) => cells[r]![i]!.paint))
  return `${[head, ...body].join('\n')}\n`
}

const same = (text: string): string => text

/** Places on a terminal: wide letters of East Asia take two. */
function width(text: string): number {
  let places = 0
  for (const letter of stripVTControlCharacters(text))
    places += WIDE.test(letter) ? 2 : COMBINING.test(letter) ? 0 : 1
  return places
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
const COMBINING = /\p{Mn}/u
