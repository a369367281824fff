/**
 * @file The columns of a run in one file, so that a chart reads the numbers it draws and parses nothing. It
 * follows from events.jsonl and may be deleted at any time.
 *
 *   "MTCOLS1\n", length of the header (u32), header (JSON), padding to 8, columns (f64, little endian)
 */
import { createHash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../util/atomic.ts'
import { isObject } from '../../util/json-object.ts'
import { stringify, toNumber } from '../json.ts'
import { type Columns, type Mark, type Summary, summarise } from './columns.ts'

const MAGIC = 'MTCOLS1\n'

/** Which bytes of which file the columns were read from. */
export interface Source {
  readonly size: number
  readonly mtimeMs: number
  readonly ino: number
}

export interface ColumnPlace extends Summary {
  /** Byte of the file where the column begins. */
  readonly at: number
}

export interface Header {
  readonly id: string
  readonly source: Source
  /** End of the last whole line that was read. */
  readonly end: number
  readonly bad: number
  readonly skipped: number
  readonly marks: readonly Mark[]
  readonly tables: Readonly<
    Record<string, { readonly length: number; readonly columns: Readonly<Record<string, ColumnPlace>> }>
  >
}

/** Where the cache of a run lies, for runs below `root`. */
export function cacheFile(root: string, id: string): string {
  return join(root, '.cache', `${createHash('sha256').update(id).digest('hex').slice(0, 24)}.columns`)
}

/** Summaries of all columns, as the header of a file has them; `at` counts from the first column. */
export function describe(
  columns: Columns,
  about: Omit<Header, 'marks' | 'tables' | 'bad'>,
): { readonly header: Header; readonly data: readonly Float64Array[] } {
  let at = 0
  const data: Float64Array[] = []
  const tables = [...columns.tables].map(([name, table]) => {
    const places = [...table.columns.keys()].map((key) => {
      const values = table.values(key)!
      data.push(values)
      const place = { at, ...summarise(values) }
      at += values.byteLength
      return [key, place] as const
    })
    return [name, { length: table.length, columns: record(places) }] as const
  })
  return { header: { ...about, bad: columns.bad, marks: columns.marks, tables: record(tables) }, data }
}

/** An object without a prototype: names come from files, and `__proto__` may be one. */
function record<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const object: Record<string, T> = Object.create(null)
  for (const [key, value] of entries) object[key] = value
  return object
}

export async function writeCache(file: string, header: Header, data: readonly Float64Array[]): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 })
  const text = Buffer.from(stringify(header))
  const start = Buffer.alloc(MAGIC.length + 4)
  start.write(MAGIC)
  start.writeUInt32LE(text.length, MAGIC.length)
  const padding = Buffer.alloc((8 - ((start.length + text.length) % 8)) % 8)
  await writeAtomically(file, async (draft) => {
    for (const part of [start, text, padding, ...data.map(bytesOf)]) await draft.write(part)
  })
}

const bytesOf = (column: Float64Array): Uint8Array =>
  new Uint8Array(column.buffer, column.byteOffset, column.byteLength)

/** The header and where the columns begin; undefined for a file that is not there, damaged or of another form. */
export async function readHeader(
  file: string,
): Promise<{ readonly header: Header; readonly base: number } | undefined> {
  try {
    const handle = await open(file, 'r')
    try {
      const start = Buffer.alloc(MAGIC.length + 4)
      await handle.read(start, 0, start.length, 0)
      if (start.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined
      const length = start.readUInt32LE(MAGIC.length)
      const { size } = await handle.stat()
      if (length > size) return undefined
      const text = Buffer.alloc(length)
      await handle.read(text, 0, length, start.length)
      const header = parse(text.toString('utf8'))
      const base = Math.ceil((start.length + length) / 8) * 8
      return header && size === base + bytesIn(header) ? { header, base } : undefined
    } finally {
      await handle.close()
    }
  } catch {
    return undefined
  }
}

function parse(text: string): Header | undefined {
  const value: unknown = JSON.parse(text, (key, item) =>
    NUMBERS.has(key) && typeof item === 'string' ? toNumber(item) : item,
  )
  return isObject(value) && isObject(value.tables) && isObject(value.source)
    ? (value as unknown as Header)
    : undefined
}

/** Keys that hold a number, NaN as a string. A table or column of such a name is an object and stays one. */
const NUMBERS = new Set(['min', 'max', 'last', 'first', 'time', 'step'])

function bytesIn({ tables }: Header): number {
  return Object.values(tables).reduce(
    (total, { length, columns }) => total + length * 8 * Object.keys(columns).length,
    0,
  )
}

/** One column [rows] of a file that `readHeader` has read. */
export async function readColumn(file: string, byte: number, rows: number): Promise<Float64Array> {
  const values = new Float64Array(rows)
  const handle = await open(file, 'r')
  try {
    await handle.read(bytesOf(values), 0, values.byteLength, byte)
  } finally {
    await handle.close()
  }
  return values
}
