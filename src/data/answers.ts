/** @file Rows whose answer is empty, or has a hole where a column is empty: valid text that teaches the wrong thing. */
import type { Row, Span, Template } from '../plugin/contract.ts'

/**
 * Whether nothing is learned but control tokens and white space, in all of the row or in one of its turns. White space
 * that is learned by itself is no turn: the line break behind an end that is not learned.
 */
export function hasEmptyAnswer(spans: readonly Span[]): boolean {
  const runs: { blank: boolean; control: boolean }[] = []
  let open: (typeof runs)[number] | undefined
  for (const { text, train, control = false } of spans) {
    if (!train) open = undefined
    else {
      if (open === undefined) {
        open = { blank: true, control: false }
        runs.push(open)
      }
      open.control ||= control
      open.blank &&= control || text.trim() === ''
    }
  }
  return (
    runs.some(({ blank, control }) => blank && control) ||
    (runs.length > 0 && runs.every(({ blank }) => blank))
  )
}

/** Finds the empty columns of rows that leave a hole in what is learned. */
export class AnswerColumns {
  readonly #template: Template
  /** Column -> whether its value is learned; found out where it is first met empty. */
  readonly #learned = new Map<string, boolean>()

  constructor(template: Template) {
    this.#template = template
  }

  /** Columns of the template that are empty in this row although they are part of the answer. */
  emptyIn(row: Row): readonly string[] {
    return this.#template.columns.filter((column) => {
      const value = row[column]
      return typeof value === 'string' && value.trim() === '' && this.#isLearned(column, row)
    })
  }

  /** Asked of the template itself: whether another value changes what is learned. */
  #isLearned(column: string, row: Row): boolean {
    const known = this.#learned.get(column)
    if (known !== undefined) return known
    const other = { ...row, [column]: 'filled' }
    const found = learnedText(this.#template.render(row)) !== learnedText(this.#template.render(other))
    this.#learned.set(column, found)
    return found
  }
}

function learnedText(spans: readonly Span[]): string {
  return spans
    .filter(({ train }) => train)
    .map(({ text }) => text)
    .join('')
}
