/**
 * @file All runs below a folder, kept up to date by looking: folders on network disks send no messages. Runs
 * that go on are looked at often, the others now and then.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ItemRow } from '../../track/compare/items.ts'
import { readItemRows } from '../../track/compare/read-items.ts'
import { ColumnStore, type RunColumns } from '../../track/read/column-store.ts'
import { findAll } from '../../track/read/find.ts'
import { type RunRow, readRow } from '../../track/read/run-row.ts'
import { runKey } from '../../track/run-key.ts'
import type { Change } from '../shared/wire.ts'
import { Parser } from './parser.ts'
import { type SweepChange, Sweeps } from './sweeps.ts'

const LIVE_MS = 250
const ALL_MS = 3000
/** A run that crashed or paused may go on; one that changed lately is looked at as often as one that runs. */
const LATELY_MS = 60_000
/** Without a request for so long, columns are made ready that nobody has asked for yet. */
const IDLE_MS = 500
const OPENING_MS = 2500
/** Pages hear of runs made ready no more often than this, ms. */
const TELL_MS = 500
/** So many runs to parse are shared with a second thread; for fewer it would only start. */
const MANY = 20
const AT_ONCE = 12
const FILES = ['run.json', 'events.jsonl', 'report.json', 'notes.json', 'resolved.json'] as const

interface Entry {
  readonly row: RunRow
  /** Sizes and times of its files when it was read. */
  readonly seen: string
  readonly changed: number
}

export class Library {
  readonly root: string
  readonly store: ColumnStore
  readonly sweeps: Sweeps
  private readonly entries = new Map<string, Entry>()
  private readonly ids = new Map<string, string>()
  private readonly listeners = new Set<(change: Change) => void>()
  private readonly parser: Parser
  private readonly timers: NodeJS.Timeout[] = []
  private readonly ready: Promise<void>
  /** Runs that were parsed ahead, as they were then; one that has no columns must not be tried for ever. */
  private readonly prepared = new Map<string, string>()
  /** When anything was asked for last; a browser that opens the page needs a moment, and the processor. */
  private asked = Date.now() + OPENING_MS
  private closed = false

  constructor(root: string) {
    this.root = root
    this.store = new ColumnStore(root)
    this.sweeps = new Sweeps(root)
    this.parser = new Parser(root)
    this.ready = this.lookAtAll()
    this.ready.then(() => {
      this.every(LIVE_MS, () => this.lookAtLive())
      this.every(ALL_MS, () => this.lookAtAll())
      this.every(IDLE_MS, () => this.prepare())
    })
  }

  /** Rows, newest first. */
  async rows(): Promise<readonly RunRow[]> {
    await this.ready
    this.asked = Date.now()
    return [...this.entries.values()].map(({ row }) => row).sort(byAge)
  }

  /** The id behind a key; undefined where there is no such run. Nothing else becomes a path. */
  async idOf(key: string): Promise<string | undefined> {
    await this.ready
    this.asked = Date.now()
    return this.ids.get(key)
  }

  async open(key: string): Promise<RunColumns | undefined> {
    const id = await this.idOf(key)
    return id === undefined ? undefined : this.store.open(id)
  }

  /**
   * Of many runs that are about to be read one after another, those that must be parsed: another thread begins with
   * the last of them, until it meets whoever reads them.
   */
  async parseAhead(keys: readonly string[]): Promise<void> {
    await this.ready
    const ids = keys.map((key) => this.ids.get(key)).filter((id) => id !== undefined)
    const unread = ids.filter((id) => this.isUnread(this.row(id)!) && !this.store.isAtHand(id))
    if (unread.length < MANY) return
    for (const id of unread.reverse()) {
      if (this.closed || this.store.isAtHand(id) || !(await this.parser.parse(id))) return
    }
  }

  async items(key: string, evaluation: string): Promise<readonly ItemRow[]> {
    const id = await this.idOf(key)
    return id === undefined ? [] : readItemRows(this.folder(id), evaluation, 'tuned')
  }

  better(key: string, evaluation: string): 'higher' | 'lower' | undefined {
    return this.rowOf(key)?.evals.find(({ name }) => name === evaluation)?.better
  }

  rowOf(key: string): RunRow | undefined {
    return this.row(this.ids.get(key) ?? '')
  }

  row(id: string): RunRow | undefined {
    return this.entries.get(id)?.row
  }

  folder(id: string): string {
    return join(this.root, ...id.split('/'))
  }

  onChange(listener: (change: Change) => void): void {
    this.listeners.add(listener)
  }

  /** Reads one run again now. */
  async refresh(id: string): Promise<RunRow> {
    const row = await this.reread(id, Date.now())
    this.tell([row])
    return row
  }

  async close(): Promise<void> {
    this.closed = true
    for (const timer of this.timers) clearTimeout(timer)
    await this.parser.close()
  }

  private async reread(id: string, changed: number): Promise<RunRow> {
    // Before the reading: what is written meanwhile is a change that is still to be seen.
    const seen = await stamp(this.folder(id))
    const row = await readRow(this.root, id, this.store)
    this.entries.set(id, { row, seen, changed })
    this.ids.set(runKey(id), id)
    return row
  }

  private tell(rows: readonly RunRow[]): void {
    for (const listener of this.listeners) listener({ rows, removed: [] })
  }

  private every(milliseconds: number, work: () => Promise<void>): void {
    const next = (): void => {
      if (this.closed) return
      const timer = setTimeout(
        () =>
          work()
            .catch(() => undefined)
            .finally(next),
        milliseconds,
      )
      this.timers.push(timer)
      if (this.timers.length > 8) this.timers.shift()
    }
    next()
  }

  private async lookAtLive(): Promise<void> {
    const now = Date.now()
    const live = [...this.entries].filter(
      ([, { row, changed }]) => row.status === 'running' || now - changed < LATELY_MS,
    )
    await this.look(
      live.map(([id]) => id),
      [],
      await this.sweeps.lookAtLive(),
    )
  }

  private async lookAtAll(): Promise<void> {
    const { runs, sweeps } = await findAll(this.root)
    const known = new Set(runs)
    const removed = [...this.entries.keys()].filter((id) => !known.has(id))
    for (const id of removed) {
      this.entries.delete(id)
      this.ids.delete(runKey(id))
    }
    await this.look(runs, removed, await this.sweeps.lookAt(sweeps))
  }

  private async look(ids: readonly string[], removed: readonly string[], swept: SweepChange): Promise<void> {
    const rows: RunRow[] = []
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const batch = ids.slice(at, at + AT_ONCE)
      rows.push(...(await Promise.all(batch.map((id) => this.lookAt(id)))).filter((row) => row !== undefined))
    }
    const changes = [rows, removed, swept.sweeps, swept.removedSweeps]
    if (changes.every(({ length }) => length === 0)) return
    for (const listener of this.listeners) listener({ rows, removed, ...swept })
  }

  /** The row, if it is not as it was. */
  private async lookAt(id: string): Promise<RunRow | undefined> {
    const seen = await stamp(this.folder(id))
    const before = this.entries.get(id)
    // A run that says it runs may have died without another file being written.
    if (before?.seen === seen && before.row.status !== 'running') return undefined
    const row = await readRow(this.root, id, this.store)
    if (before && before.seen === seen && before.row.status === row.status) return undefined
    this.entries.set(id, { row, seen, changed: before ? Date.now() : 0 })
    this.ids.set(runKey(id), id)
    return row
  }

  /** Has runs parsed while nobody asks for anything, so that their columns and extremes are at hand. */
  private async prepare(): Promise<void> {
    let ready: RunRow[] = []
    let told = Date.now()
    for (const { row, seen, changed } of [...this.entries.values()]) {
      if (Date.now() - this.asked < IDLE_MS || this.closed) break
      if (!this.isUnread(row) || this.prepared.get(row.id) === seen) continue
      this.prepared.set(row.id, seen)
      // What was parsed here is only to be put on disk; where nothing can be, memory holds the columns of some.
      const parsed = !this.store.isAtHand(row.id) && (await this.parser.parse(row.id))
      if (!parsed) await this.store.open(row.id)
      ready.push(await this.reread(row.id, changed))
      if (Date.now() - told < TELL_MS) continue
      this.tell(ready)
      told = Date.now()
      ready = []
    }
    if (ready.length > 0) this.tell(ready)
  }

  /** Whether the run is over and its stream was not read as a whole. */
  private isUnread(row: RunRow): boolean {
    return row.status !== 'running' && !isWhole(row)
  }
}

/** Whether all of the stream was read, which the smallest values tell. */
function isWhole({ figures, step }: RunRow): boolean {
  return step === 0 || Object.keys(figures).some((key) => key.endsWith('.min'))
}

function byAge(a: RunRow, b: RunRow): number {
  const [one, two] = [a.started ?? a.id, b.started ?? b.id]
  return one === two ? (a.id < b.id ? 1 : -1) : one < two ? 1 : -1
}

async function stamp(folder: string): Promise<string> {
  const parts = await Promise.all(
    FILES.map(async (name) => {
      const found = await stat(join(folder, name)).catch(() => undefined)
      return found ? `${found.size}@${found.mtimeMs}` : '-'
    }),
  )
  return parts.join(' ')
}
