/**
 * @file The patterns of a task: text with `{field}` in it. A field is a column, or a way into one (`choices.0`,
 * `context.contexts`), with filters behind bars (`{question|strip}`).
 */
import type { Row } from '../../plugin/contract.ts'

/** What a filter makes of a value. */
const FILTERS = {
  strip: (value: unknown) => (typeof value === 'string' ? value.trim() : value),
  /** A list as lines. */
  lines: (value: unknown) => (Array.isArray(value) ? value.map(String).join('\n') : value),
  /** A list or object as JSON. */
  json: (value: unknown) => JSON.stringify(value),
} as const

interface Field {
  readonly path: readonly string[]
  readonly filters: readonly (keyof typeof FILTERS)[]
}

export interface TaskPattern {
  /** The pattern as written. */
  readonly source: string
  readonly parts: readonly (string | Field)[]
  /** First steps of its fields. */
  readonly columns: readonly string[]
}

/** A pattern or a row that does not fit; whoever knows the place adds it. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

/** @throws PatternError for a brace without its partner, an empty field or an unknown filter */
export function parseTaskPattern(source: string): TaskPattern {
  const parts: (string | Field)[] = []
  for (const match of source.matchAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+/g)) {
    const [piece, field] = match
    if (field !== undefined) parts.push(parseField(field))
    else if (piece === '{' || piece === '}')
      throw new PatternError(
        `a lone "${piece}" at character ${match.index + 1}; write {field} for a field, ${piece}${piece} for the brace itself`,
      )
    else parts.push(piece === '{{' ? '{' : piece === '}}' ? '}' : piece)
  }
  const columns = parts.flatMap((part) => (typeof part === 'string' ? [] : [part.path[0]!]))
  return { source, parts, columns: [...new Set(columns)] }
}

function parseField(text: string): Field {
  const [name, ...filters] = text.split('|').map((part) => part.trim())
  if (name === '' || name === undefined) throw new PatternError(`an empty field {${text}}`)
  const wrong = filters.find((filter) => !Object.hasOwn(FILTERS, filter))
  if (wrong !== undefined)
    throw new PatternError(
      `{${text}}: no filter is named "${wrong}"; allowed: ${Object.keys(FILTERS).join(', ')}`,
    )
  return { path: name.split('.'), filters: filters as Field['filters'] }
}

/** The pattern with a row's values in it. @throws PatternError for a field that the row lacks, or that is no text */
export function fillTaskPattern({ parts }: TaskPattern, row: Row): string {
  return parts.map((part) => (typeof part === 'string' ? part : fieldText(part, row))).join('')
}

function fieldText({ path, filters }: Field, row: Row): string {
  const name = path.join('.')
  const value = filters.reduce<unknown>((held, filter) => FILTERS[filter](held), valueAt(row, path))
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  if (Array.isArray(value))
    throw new PatternError(`field "${name}" is a list; write {${name}|lines}, or {${name}.0} for its first`)
  throw new PatternError(`field "${name}" is an object; write {${name}.key} for a value in it`)
}

/** What stands at a path in a row. @throws PatternError where there is nothing, with what there is */
export function valueAt(row: Row, path: readonly string[]): unknown {
  let value: unknown = row
  for (const [depth, step] of path.entries()) {
    const held = typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    const next = held ? (value as Record<string, unknown>)[step] : undefined
    if (next === undefined || next === null) {
      const missing = path.slice(0, depth + 1).join('.')
      const there = typeof value === 'object' && value !== null ? Object.keys(value).join(', ') : 'no keys'
      throw new PatternError(
        next === null ? `field "${missing}" is null` : `there is no field "${missing}"; there is: ${there}`,
      )
    }
    value = next
  }
  return value
}
