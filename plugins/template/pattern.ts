/** @file Text patterns with {Column} placeholders, shared by the built-in templates. */
import { InputError, OptionError, type Row } from 'medtune/plugin'

/** A parsed pattern: literal texts around columns, `texts.length === columns.length + 1`. */
export interface Pattern {
  readonly texts: readonly string[]
  readonly columns: readonly string[]
}

/**
 * Parses the pattern of the option `path`: `{Column}` stands for the row's value, `{{` and `}}` for the braces
 * themselves. Throws an OptionError that shows the place of a brace without its partner.
 */
export function parsePattern(path: string, pattern: string): Pattern {
  const texts = ['']
  const columns: string[] = []
  for (const match of pattern.matchAll(/\{\{|\}\}|\{([^{}]+)\}|[{}]|[^{}]+/g)) {
    const [piece, column] = match
    if (column !== undefined) {
      columns.push(column)
      texts.push('')
    } else if (piece === '{' || piece === '}') {
      throw new OptionError(path, loneBrace(pattern, match.index))
    } else {
      texts[texts.length - 1] += piece === '{{' ? '{' : piece === '}}' ? '}' : piece
    }
  }
  return { texts, columns }
}

function loneBrace(pattern: string, index: number): string {
  const near = JSON.stringify(pattern.slice(Math.max(0, index - 10), index + 10))
  const brace = pattern[index]!
  const empty = pattern.startsWith('{}', index)
  const problem = empty ? 'an empty {}' : `a lone "${brace}"`
  return `${problem} at character ${index + 1}, near ${near}; write {Column} for a column, ${brace}${brace} for the brace itself`
}

/** The pattern with a row's values in it. Throws an InputError for a value that is missing or is no text. */
export function fillPattern({ texts, columns }: Pattern, row: Row): string {
  return texts[0]! + columns.map((column, i) => valueText(row, column) + texts[i + 1]!).join('')
}

function valueText(row: Row, column: string): string {
  const value = Object.hasOwn(row, column) ? row[column] : undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  if (value === undefined)
    throw new InputError(`has no column "${column}"; it has ${Object.keys(row).join(', ') || 'none'}`)
  if (value === null)
    throw new InputError(`has no value (null) in column "${column}"; fill it or leave the row out`)
  throw new InputError(`has ${kindOf(value)} in column "${column}", where a template needs text or a number`)
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'a list' : value instanceof Date ? 'a date' : 'an object'
}
