/**
 * @file Changes to pages that are open, as server-sent events. What is kept is the last state of each run and
 * not a list of messages, so a page that was away a week catches up with one message and memory does not grow.
 */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Change } from '../shared/wire.ts'
import type { Library } from './library.ts'
import { Refusal, SAFE_HEADERS } from './reply.ts'

/** Pages at a time; more are told to come back. */
const MOST_CLIENTS = 200
/** A page that reads nothing is let go once so many bytes wait for it. */
const MOST_WAITING = 4e6
const SIGN_OF_LIFE_MS = 15_000

export class Stream {
  private readonly library: Library
  private readonly boot = randomBytes(6).toString('hex')
  private readonly clients = new Set<ServerResponse>()
  /** Number of the change that last touched a run, or took it away. */
  private readonly touched = new Map<string, number>()
  /** The same of sweeps, by their folder. */
  private readonly touchedSweeps = new Map<string, number>()
  private readonly timer: NodeJS.Timeout
  private last = 0

  constructor(library: Library) {
    this.library = library
    library.onChange((change) => this.tell(change))
    this.timer = setInterval(() => this.write(': here\n\n'), SIGN_OF_LIFE_MS)
    this.timer.unref()
  }

  /** Where a page that has all rows now goes on. */
  cursor(): string {
    return `${this.boot}-${this.last}`
  }

  /** @throws Refusal where there are too many pages */
  open(response: ServerResponse, since: string): void {
    if (this.clients.size >= MOST_CLIENTS) {
      throw new Refusal(503, 'too many pages are open', { 'Retry-After': '5' })
    }
    response.writeHead(200, { ...SAFE_HEADERS, 'Content-Type': 'text/event-stream; charset=utf-8' })
    this.clients.add(response)
    response.on('close', () => this.clients.delete(response))
    response.write(`retry: 1000\n\n${this.missed(since)}`)
  }

  close(): void {
    clearInterval(this.timer)
    for (const client of this.clients) client.end()
  }

  private tell(change: Change): void {
    this.last++
    for (const { id } of change.rows) this.touched.set(id, this.last)
    for (const id of change.removed) this.touched.set(id, this.last)
    const { sweeps = [], removedSweeps = [] } = change
    for (const { folder } of sweeps) this.touchedSweeps.set(folder, this.last)
    for (const folder of removedSweeps) this.touchedSweeps.set(folder, this.last)
    this.write(message(this.cursor(), change))
  }

  private missed(cursor: string): string {
    const [boot, number] = cursor.split('-')
    if (boot !== this.boot || !/^\d+$/.test(number ?? '')) {
      return message(this.cursor(), { rows: [], removed: [], reset: true })
    }
    const since = (touched: ReadonlyMap<string, number>): string[] =>
      [...touched].filter(([, at]) => at > Number(number)).map(([id]) => id)
    const [ids, folders] = [since(this.touched), since(this.touchedSweeps)]
    if (ids.length + folders.length === 0) return ''
    const { library } = this
    return message(this.cursor(), {
      rows: ids.flatMap((id) => library.row(id) ?? []),
      removed: ids.filter((id) => library.row(id) === undefined),
      sweeps: folders.flatMap((folder) => library.sweeps.row(folder) ?? []),
      removedSweeps: folders.filter((folder) => library.sweeps.row(folder) === undefined),
    })
  }

  private write(text: string): void {
    for (const client of this.clients) {
      if (client.writableLength > MOST_WAITING) client.destroy()
      else client.write(text)
    }
  }
}

function message(cursor: string, change: Change): string {
  return `id: ${cursor}\ndata: ${JSON.stringify(change)}\n\n`
}
