/**
 * @file Jobs in a shared folder, for whoever has room: `queue/<job>.json` waits, `taken/<job>@<place>.json` is taken.
 * Taking is a rename, which one of all who try can do.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TrialJob } from '../plugin/contract.ts'
import { beside } from './board.ts'

export class WorkQueue {
  private readonly queue: string
  private readonly taken: string

  /** @param folder the sweep's folder */
  constructor(folder: string) {
    this.queue = join(folder, 'queue')
    this.taken = join(folder, 'taken')
    for (const path of [this.queue, this.taken]) mkdirSync(path, { recursive: true })
  }

  put(job: TrialJob): void {
    const draft = join(this.queue, `.${job.id}.tmp`)
    writeFileSync(draft, JSON.stringify(job))
    renameSync(draft, join(this.queue, `${job.id}.json`))
  }

  /** Takes the job that waits longest, by its name; undefined where none waits. */
  take(place: string): TrialJob | undefined {
    for (const name of this.names(this.queue)) {
      const to = join(this.taken, `${name}@${place}.json`)
      try {
        renameSync(join(this.queue, `${name}.json`), to)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
        throw error
      }
      return JSON.parse(readFileSync(to, 'utf8')) as TrialJob
    }
    return undefined
  }

  waiting(): readonly string[] {
    return this.names(this.queue)
  }

  /** Job -> the place that took it last. */
  places(): ReadonlyMap<string, string> {
    return new Map(this.names(this.taken).map((name) => name.split('@') as [string, string]))
  }

  /** Jobs that a place took; after a restart of that place, those that its former life left. */
  takenBy(place: string): readonly TrialJob[] {
    return [...this.places()]
      .filter(([, holder]) => holder === place)
      .map(([id]) => JSON.parse(readFileSync(join(this.taken, `${id}@${place}.json`), 'utf8')) as TrialJob)
  }

  /** Says that nobody is to wait for more work. */
  closeDown(): void {
    writeFileSync(join(this.queue, 'over'), '')
  }

  open(): void {
    if (existsSync(join(this.queue, 'over'))) renameSync(join(this.queue, 'over'), join(this.queue, '.over'))
  }

  isOver(): boolean {
    return existsSync(join(this.queue, 'over'))
  }

  private names(folder: string): readonly string[] {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .map((name) => name.slice(0, -'.json'.length))
      .sort()
  }
}

/** Says that whoever ran a job is gone and it will never have a result. */
export function markGone(file: string, reason: string): void {
  writeFileSync(beside(file, 'gone'), reason)
}

export function isGone(file: string): boolean {
  return existsSync(beside(file, 'gone'))
}
