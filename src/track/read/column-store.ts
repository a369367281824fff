/**
 * @file The columns of many runs, as much of them as is asked for: runs that are over lie in the cache on
 * disk, the few that are written to are held in memory and read on from where the last reading ended.
 */
import { type FileHandle, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { own } from '../../util/json-object.ts'
import {
  cacheFile,
  describe,
  type Header,
  readColumn,
  readHeader,
  type Source,
  writeCache,
} from './column-cache.ts'
import { Columns } from './columns.ts'
import { openInside } from './files.ts'
import { readByteLines } from './lines.ts'
import { RecentColumns } from './recent-columns.ts'

/** A file that was not written to for so long is put on disk, ms. */
const QUIET_MS = 5000
/** Columns held in memory at most, bytes. */
const MOST_BYTES = 48e6
/** Columns that every metric is drawn over; the others are drawn once and not soon again. */
const AXES = new Set(['step', 'time', 'tokens_seen', 'epoch'])
/** Files that are parsed at the same time. */
const AT_ONCE = 2

/** Columns of one run as they were when it was opened. */
export interface RunColumns {
  readonly header: Header
  /** Values [rows] of a column; undefined where there is none. */
  column(table: string, name: string): Promise<Float64Array | undefined>
}

interface Held {
  readonly columns: Columns
  /** The last bytes that were read, to know a file again that was cut and grew. */
  last: Buffer
  source: Source
  end: number
  skipped: number
}

export class ColumnStore {
  private readonly root: string
  private readonly held = new Map<string, Held>()
  private readonly headers = new Map<string, { readonly header: Header; readonly base: number }>()
  private readonly opening = new Map<string, Promise<RunColumns | undefined>>()
  private readonly gate = new Gate(AT_ONCE)
  private readonly recent = new RecentColumns()
  /** Off once a write failed: a shared folder may be for reading only. */
  private writable: boolean

  /** @param root the folder that run ids are relative to */
  constructor(root: string, options: { readonly cache?: boolean } = {}) {
    this.root = root
    this.writable = options.cache ?? true
  }

  /** The columns of a run as it stands now; undefined where it has no readable events.jsonl. */
  open(id: string): Promise<RunColumns | undefined> {
    const running = this.opening.get(id)
    if (running) return running
    const opened = this.bring(id).finally(() => this.opening.delete(id))
    this.opening.set(id, opened)
    return opened
  }

  /** Whether the run's columns were read from the cache or put there. */
  isStored(id: string): boolean {
    return this.headers.has(id)
  }

  /** Whether the run was parsed or found in the cache, or is being so. */
  isAtHand(id: string): boolean {
    return this.headers.has(id) || this.held.has(id) || this.opening.has(id)
  }

  /** The header if it is known without parsing the run's events. */
  async peek(id: string, source: Source): Promise<Header | undefined> {
    const known = await this.known(id, source)
    if (known) return known.header
    const held = this.held.get(id)
    return held && same(held.source, source) ? describe(held.columns, about(id, held)).header : undefined
  }

  private async bring(id: string): Promise<RunColumns | undefined> {
    const folder = join(this.root, ...id.split('/'))
    const kept = this.headers.get(id)
    if (kept && (await isAt(join(folder, 'events.jsonl'), kept.header.source))) return this.stored(id, kept)
    const opened = await openInside(folder, 'events.jsonl')
    if (!opened.ok) return undefined
    const file = opened.value
    try {
      const { size, mtimeMs, ino } = await file.stat()
      const source = { size, mtimeMs, ino }
      const known = await this.known(id, source)
      if (known) return this.stored(id, known)
      const held = await this.resume(id, source, file)
      if (held.source.size !== size || held.end === 0) {
        await this.gate
          .pass(() => readOn(held, file))
          .catch((error) => {
            // Lines that were taken in before would be taken in again.
            this.held.delete(id)
            throw error
          })
      }
      held.source = source
      return await this.settle(id, held)
    } finally {
      await file.close()
    }
  }

  private async known(id: string, source: Source): Promise<{ header: Header; base: number } | undefined> {
    const kept = this.headers.get(id)
    if (kept && same(kept.header.source, source)) return kept
    if (this.held.has(id)) return undefined
    const read = await readHeader(cacheFile(this.root, id))
    if (!read || !same(read.header.source, source) || read.header.id !== id) return undefined
    this.headers.set(id, read)
    return read
  }

  /** What is held of the run, if the file has only grown since; else nothing yet. */
  private async resume(id: string, { ino, size }: Source, file: FileHandle): Promise<Held> {
    // The file is not what the cache has any more.
    this.headers.delete(id)
    const held = this.held.get(id)
    // A run that is resumed cuts its file back to the checkpoint before it goes on.
    const grown = held && held.source.ino === ino && held.end <= size
    if (grown && held.last.equals(await bytesBefore(file, held.end))) return held
    const source = { size: 0, mtimeMs: 0, ino }
    const fresh: Held = { columns: new Columns(), last: Buffer.alloc(0), source, end: 0, skipped: 0 }
    this.held.set(id, fresh)
    return fresh
  }

  /** Moves to disk what is not written to any more, or what is too much to hold. */
  private async settle(id: string, held: Held): Promise<RunColumns> {
    // The one used last stands last: the first is the first to go.
    this.held.delete(id)
    this.held.set(id, held)
    if (Date.now() - held.source.mtimeMs > QUIET_MS && (await this.store(id, held))) {
      return this.stored(id, this.headers.get(id)!)
    }
    await this.makeRoom(id)
    const { header } = describe(held.columns, about(id, held))
    return {
      header,
      column: async (table, name) => held.columns.tables.get(table)?.values(name),
    }
  }

  private async makeRoom(newest: string): Promise<void> {
    let total = [...this.held.values()].reduce((sum, { columns }) => sum + bytesOf(columns), 0)
    for (const [id, held] of this.held) {
      if (total <= MOST_BYTES) return
      if (id === newest) continue
      total -= bytesOf(held.columns)
      await this.store(id, held)
      this.held.delete(id)
    }
  }

  private async store(id: string, held: Held): Promise<boolean> {
    if (!this.writable) return false
    const { header, data } = describe(held.columns, about(id, held))
    const file = cacheFile(this.root, id)
    try {
      await writeCache(file, header, data)
    } catch {
      this.writable = false
      return false
    }
    const read = await readHeader(file)
    if (!read) return false
    this.headers.set(id, read)
    this.held.delete(id)
    return true
  }

  private stored(id: string, { header, base }: { header: Header; base: number }): RunColumns {
    const file = cacheFile(this.root, id)
    const read = (byte: number, rows: number) => readColumn(file, base + byte, rows)
    return {
      header,
      column: async (table, name) => {
        const found = own(header.tables, table)
        const place = found && own(found.columns, name)
        if (!place) return undefined
        const key = `${file} ${header.source.mtimeMs} ${header.source.size} ${place.at}`
        try {
          if (!AXES.has(name)) return await read(place.at, found.length)
          return await this.recent.get(key, () => read(place.at, found.length))
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        }
        // Someone has deleted the cache, as he may.
        this.headers.delete(id)
        return (await this.open(id))?.column(table, name)
      },
    }
  }
}

const FINGERPRINT = 128

async function readOn(held: Held, file: FileHandle): Promise<void> {
  const { end, skipped } = await readByteLines(file, held.end, held.columns.takeBytes)
  held.end = end
  held.skipped += skipped
  held.last = await bytesBefore(file, end)
}

async function bytesBefore(file: FileHandle, end: number): Promise<Buffer> {
  const bytes = Buffer.alloc(Math.min(end, FINGERPRINT))
  await file.read(bytes, 0, bytes.length, end - bytes.length)
  return bytes
}

function about(id: string, { source, end, skipped }: Held): Omit<Header, 'marks' | 'tables' | 'bad'> {
  return { id, source, end, skipped }
}

/** Whether the file is the one that was read, as it was; then it need not be opened. */
async function isAt(path: string, source: Source): Promise<boolean> {
  const now = await stat(path).catch(() => undefined)
  return now !== undefined && same(now, source)
}

function same(a: Source, b: Source): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino
}

function bytesOf(columns: Columns): number {
  let total = 0
  for (const table of columns.tables.values()) total += table.length * 8 * table.columns.size
  return total
}

/** Lets so many through at once, the others in turn. */
class Gate {
  private free: number
  private readonly waiting: (() => void)[] = []

  constructor(places: number) {
    this.free = places
  }

  async pass(work: () => Promise<void>): Promise<void> {
    if (this.free === 0) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else this.free--
    try {
      await work()
    } finally {
      const next = this.waiting.shift()
      if (next) next()
      else this.free++
    }
  }
}
