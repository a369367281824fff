/**
 * @file The one stream of a run: each event is written to events.jsonl, then handed to the listeners (the
 * terminal) and the trackers. A tracker that fails costs a warning, never the run.
 */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { RunEvent, RunEventBody, Tracker } from '../plugin/contract.ts'
import { type AppendFile, fsOps } from '../util/fs-ops.ts'
import { stringify } from './json.ts'

/** How long the end of a run waits for trackers that still send. */
const PATIENCE_MS = 30_000

export interface NamedTracker {
  readonly name: string
  readonly tracker: Tracker
}

/** How much of an event stream there is. */
export interface EventPosition {
  readonly bytes: number
  readonly events: number
}

export class EventLog {
  private readonly path: string
  private readonly file: AppendFile
  private readonly listeners: readonly ((event: RunEvent) => void)[]
  private readonly queues: readonly TrackerQueue[]
  private closed = false
  private unsynced = false
  private bytes: number
  private events: number

  /**
   * Opens `file` for appending; it need not exist.
   * @param kept events that it holds already
   */
  constructor(
    file: string,
    trackers: readonly NamedTracker[] = [],
    listeners: readonly ((event: RunEvent) => void)[] = [],
    kept = 0,
  ) {
    this.path = file
    this.file = fsOps().append(file)
    this.bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
    this.events = kept
    this.listeners = listeners
    this.queues = trackers.map(
      ({ name, tracker }) => new TrackerQueue(name, tracker, dirname(file), (w) => this.emit(w)),
    )
  }

  /** Records an event, in order; throws if it cannot be written. After `close` it does nothing. */
  emit(body: RunEventBody, time: Date = new Date()): void {
    if (this.closed) return
    const event: RunEvent = Object.freeze({ time: time.toISOString(), ...body })
    this.write(`${stringify(event)}\n`)
    this.events++
    for (const listener of this.listeners) quietly(() => listener(event))
    for (const queue of this.queues) queue.push(event)
  }

  /** Where the stream stands: a resumed run goes on from here. */
  position(): EventPosition {
    return { bytes: this.bytes, events: this.events }
  }

  /** Makes everything up to now durable. What failed once is not tried again: the system might call it done. */
  sync(): void {
    if (this.unsynced) return
    try {
      this.file.sync()
    } catch (cause) {
      this.unsynced = true
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`cannot write ${this.path}: ${reason}`, { cause })
    }
  }

  private write(line: string): void {
    let rest: Uint8Array = Buffer.from(line)
    try {
      while (rest.length > 0) {
        const count = this.file.write(rest)
        this.bytes += count
        rest = rest.subarray(count)
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`cannot write ${this.path}: ${reason}`, { cause })
    }
  }

  /** Emits the last event, waits for the trackers (at most half a minute each) and closes the file. */
  async close(end: RunEventBody): Promise<void> {
    await this.drain()
    try {
      this.emit(end)
    } finally {
      await Promise.all(this.queues.map((queue) => queue.close(PATIENCE_MS)))
      this.closed = true
      try {
        this.sync()
      } finally {
        this.file.close()
      }
    }
  }

  /** Lets trackers catch up first, so that their warnings come before the end. */
  private async drain(): Promise<void> {
    await Promise.all(this.queues.map((queue) => queue.idle(PATIENCE_MS)))
  }
}

/** What only watches must not end what it watches. */
function quietly(action: () => void): void {
  try {
    action()
  } catch {
    // The event is in the file; a terminal that cannot show it is no reason to stop.
  }
}

/** Hands events to one tracker, one after another, without holding up the run. */
class TrackerQueue {
  private readonly name: string
  private readonly tracker: Tracker
  private readonly warn: (event: RunEventBody) => void
  private tail: Promise<void>
  private failures = 0

  constructor(name: string, tracker: Tracker, folder: string, warn: (event: RunEventBody) => void) {
    this.name = name
    this.tracker = tracker
    this.warn = warn
    this.tail = this.attempt(() => tracker.open?.(folder))
  }

  push(event: RunEvent): void {
    this.tail = this.tail.then(() => this.attempt(() => this.tracker.record(event)))
  }

  async idle(patience: number): Promise<void> {
    if (!(await within(this.tail, patience)))
      this.report(`still busy after ${patience / 1000} s; not waited for`)
  }

  async close(patience: number): Promise<void> {
    this.tail = this.tail.then(() => this.attempt(() => this.tracker.close?.()))
    await within(this.tail, patience)
  }

  private async attempt(action: () => void | Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      // Once: a tracker that is down fails at every event, and its own warning would be the next one.
      this.failures++
      if (this.failures === 1) this.report(error instanceof Error ? error.message : String(error))
    }
  }

  private report(message: string): void {
    this.warn({
      type: 'warning',
      code: 'tracker',
      message: `tracker ${this.name}: ${message}; the run goes on`,
    })
  }
}

/** Whether `promise` settles in time. */
async function within(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds)
  })
  const done = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return done
}
