/** @file Writes a sweep's journal: each event is on disk before anything follows from it. */
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from '../track/json.ts'
import {
  advance,
  JOURNAL,
  type SweepEvent,
  type SweepHeader,
  type SweepState,
  type Trial,
} from '../track/sweep-journal.ts'

/** An event without its time. */
export type NewEvent = SweepEvent extends infer E ? (E extends SweepEvent ? Omit<E, 'time'> : never) : never

export class Journal {
  readonly header: SweepHeader
  private readonly handle: number
  private readonly trials: Map<string, Trial>
  private readonly listener: (event: SweepEvent) => void

  /** Begins the journal of a new sweep. */
  static create(
    folder: string,
    header: SweepHeader,
    listener: (event: SweepEvent) => void = () => {},
  ): Journal {
    const handle = openSync(join(folder, JOURNAL), 'wx')
    writeSync(handle, `${stringify(header)}\n`)
    fsyncSync(handle)
    syncFolder(folder)
    return new Journal(handle, header, new Map(), listener)
  }

  /** Goes on with a journal that was read; a line that a crash tore is cut off. */
  static resume(
    folder: string,
    { header, trials, bytes }: SweepState,
    listener: (event: SweepEvent) => void = () => {},
  ): Journal {
    const file = join(folder, JOURNAL)
    const cut = openSync(file, 'r+')
    ftruncateSync(cut, bytes)
    fsyncSync(cut)
    closeSync(cut)
    return new Journal(
      openSync(file, 'a'),
      header,
      new Map(trials.map((trial) => [trial.id, trial])),
      listener,
    )
  }

  private constructor(
    handle: number,
    header: SweepHeader,
    trials: Map<string, Trial>,
    listener: (event: SweepEvent) => void,
  ) {
    this.handle = handle
    this.header = header
    this.trials = trials
    this.listener = listener
  }

  /** All trials by index. */
  list(): readonly Trial[] {
    return [...this.trials.values()]
  }

  get(id: string): Trial {
    return this.trials.get(id)!
  }

  append(...events: readonly NewEvent[]): void {
    if (events.length === 0) return
    const time = new Date().toISOString()
    const timed = events.map(({ type, ...rest }) => ({ type, time, ...rest }) as SweepEvent)
    writeSync(this.handle, timed.map((event) => `${stringify(event)}\n`).join(''))
    fdatasyncSync(this.handle)
    for (const event of timed) {
      if ('trial' in event) {
        const next = advance(this.trials.get(event.trial), event)
        if (next) this.trials.set(event.trial, next)
      }
      this.listener(event)
    }
  }

  close(): void {
    closeSync(this.handle)
  }
}

/** Makes a new file's name durable. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  for (const path of [folder, dirname(folder)]) {
    const handle = openSync(path, 'r')
    fsyncSync(handle)
    closeSync(handle)
  }
}
