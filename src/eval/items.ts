/** @file Questions in a .jsonl file, read with their line numbers, so that a bad one can be named. */
import { readFile } from 'node:fs/promises'
import type { Row } from '../plugin/index.ts'
import { InputError } from '../util/errors.ts'

/** One line of a file of items. `fail` makes an error that names the file and the line. */
export interface Item {
  readonly line: number
  readonly row: Row
  fail(message: string): InputError
}

/**
 * The first `limit` objects of a .jsonl file; empty lines are skipped.
 * @throws InputError for a file that cannot be read, a line that is no JSON object, or no item at all.
 */
export async function readItems(file: string, limit = Number.POSITIVE_INFINITY): Promise<Item[]> {
  const items: Item[] = []
  const lines = (await readText(file)).split(/\r?\n/)
  for (const [index, text] of lines.entries()) {
    if (items.length >= limit) break
    if (text.trim() === '') continue
    const line = index + 1
    const fail = (message: string): InputError => new InputError(`${file}:${line}: ${message}`)
    items.push({ line, row: parseRow(text, fail), fail })
  }
  if (items.length === 0) throw new InputError(`${file}: holds no items; expected one JSON object a line`)
  return items
}

async function readText(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/^\uFEFF/, '')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new InputError(
      `${file}: ${code === 'ENOENT' ? 'no such file' : `cannot be read (${code ?? error})`}`,
    )
  }
}

function parseRow(text: string, fail: (message: string) => InputError): Row {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw fail(`not valid JSON: ${error instanceof Error ? error.message : error}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fail('expected a JSON object')
  return value as Row
}

/** Puts the row's values into a pattern: `{column}`, with `{{` and `}}` for the braces. Throws where the row lacks one. */
export function fillPattern(pattern: string, item: Item): string {
  return pattern.replace(/\{\{|\}\}|\{([^{}]+)\}/g, (match, column: string | undefined) => {
    if (column === undefined) return match[0]!
    const value = Object.hasOwn(item.row, column) ? item.row[column] : undefined
    if (value === undefined || value === null) {
      throw item.fail(`column "${column}" is missing; this line has: ${Object.keys(item.row).join(', ')}`)
    }
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
}
