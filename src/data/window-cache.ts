/** @file Tokenised windows on disk, keyed by everything that went into them; a damaged file counts as missing. */
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../util/atomic.ts'
import type { Census } from './census.ts'
import type { EncodedWindow } from './encode-window.ts'

/** Goes into every key: raise it when the format of a file or the meaning of its content changes. */
export const CACHE_VERSION = 2

export interface WindowCache {
  read(index: number): Promise<EncodedWindow | undefined>
  write(index: number, window: EncodedWindow): Promise<void>
}

interface Header {
  readonly rows: number
  readonly documents: number
  readonly tokens: number
  readonly census: Census
  /** SHA-256 (hex) of the bytes after the header, behind the census as text. */
  readonly sha256: string
}

/** In memory: what `encodeSplit` falls back to without a folder, or when the folder cannot be written. */
export function memoryCache(): WindowCache {
  const windows = new Map<number, EncodedWindow>()
  return {
    read: async (index) => windows.get(index),
    write: async (index, window) => void windows.set(index, window),
  }
}

/**
 * In `<folder>/<key>/`, a file a window: a line of JSON, then the rows' prints (float64), lengths and ids (int32, all
 * little-endian), the mask and the rows' oddities (bytes).
 */
export function diskCache(folder: string, key: string): WindowCache {
  const file = (index: number) => join(folder, key, `${index}.window`)
  return {
    async read(index) {
      const bytes = await readFile(file(index)).catch(() => undefined)
      return bytes && parseWindow(bytes)
    },
    async write(index, window) {
      await mkdir(join(folder, key), { recursive: true })
      await writeAtomically(file(index), async (draft) => {
        for (const part of formatWindow(window)) await draft.write(part)
      })
    },
  }
}

/** Writes to `first` while that works and keeps the rest in memory: a full disk must not stop training. */
export function withFallback(first: WindowCache): WindowCache {
  const second = memoryCache()
  return {
    read: async (index) => (await second.read(index)) ?? first.read(index),
    write: (index, window) => first.write(index, window).catch(() => second.write(index, window)),
  }
}

function formatWindow({ lengths, ids, mask, prints, odd, census }: EncodedWindow): Uint8Array[] {
  const body = [prints, lengths, ids, mask, odd].map(
    (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  )
  const header: Header = {
    rows: prints.length,
    documents: lengths.length,
    tokens: ids.length,
    census,
    sha256: checksum(census, body),
  }
  return [Buffer.from(`${JSON.stringify(header)}\n`), ...body]
}

function parseWindow(bytes: Buffer): EncodedWindow | undefined {
  const end = bytes.indexOf(10)
  if (end < 0) return undefined
  const header = parseHeader(bytes.subarray(0, end).toString())
  const body = bytes.subarray(end + 1)
  if (header === undefined) return undefined
  const { rows, documents, tokens } = header
  if (body.length !== 9 * rows + 4 * documents + 5 * tokens) return undefined
  if (checksum(header.census, [body]) !== header.sha256) return undefined
  // A copy starts at an aligned address, as the typed arrays need.
  const buffer = new Uint8Array(body).buffer
  const [atIds, atMask] = [8 * rows + 4 * documents, 8 * rows + 4 * (documents + tokens)]
  return {
    prints: new Float64Array(buffer, 0, rows),
    lengths: new Int32Array(buffer, 8 * rows, documents),
    ids: new Int32Array(buffer, atIds, tokens),
    mask: new Uint8Array(buffer, atMask, tokens),
    odd: new Uint8Array(buffer, atMask + tokens, rows),
    census: header.census,
  }
}

function parseHeader(text: string): Header | undefined {
  try {
    const header = JSON.parse(text) as Partial<Header> | null
    const sound = [header?.rows, header?.documents, header?.tokens].every(Number.isInteger)
    return sound ? (header as Header) : undefined
  } catch {
    return undefined
  }
}

function checksum(census: Census, body: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(JSON.stringify(census))
  for (const part of body) hash.update(part)
  return hash.digest('hex')
}
