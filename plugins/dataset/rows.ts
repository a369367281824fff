/** @file What the readers of local files share: text in chunks, and checks that say where a file is wrong. */
import { createReadStream, type ReadStream } from 'node:fs'
import { createGunzip, type Gunzip } from 'node:zlib'
import { InputError, type Row } from 'medtune/plugin'

/**
 * The text of a UTF-8 file (gunzipped where its name ends in .gz) in chunks, without a byte order mark. Throws an
 * InputError where it cannot be read, is not UTF-8, or is damaged.
 */
export async function* textChunks(file: string): AsyncGenerator<string> {
  const source = createReadStream(file)
  const stream = file.endsWith('.gz') ? unzipped(source) : source
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>)
      yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (error) {
    throw new InputError(`${file}: ${readProblem(error as NodeJS.ErrnoException)}`)
  } finally {
    source.destroy()
  }
}

function unzipped(source: ReadStream): Gunzip {
  const gunzip = createGunzip()
  source.on('error', (error) => gunzip.destroy(error))
  return source.pipe(gunzip)
}

function readProblem({ code = '', message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return 'is not UTF-8 text; convert it, for instance with iconv'
  if (code.startsWith('Z_')) return `is damaged gzip data (${message}); copy or download it again`
  return `cannot be read (${code || message})`
}

/** Passes rows on; throws an InputError where there are none. */
export async function* notEmpty(file: string, rows: AsyncIterable<Row>): AsyncGenerator<Row> {
  let any = false
  for await (const row of rows) {
    any = true
    yield row
  }
  if (!any) throw new InputError(`${file}: holds no rows`)
}

/** A JSON value as a row. `place` is the file and line or item. */
export function asRow(place: string, value: unknown): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row
  throw new InputError(`${place}: a row must be an object of columns, not ${excerpt(JSON.stringify(value))}`)
}

/** The start of a text on one line, in quotes. */
export function excerpt(text: string): string {
  const line = text.trim()
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}...` : line)
}
