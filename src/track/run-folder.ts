/** @file The folder of one run: what lies where, and run.json, which says how the run stands. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { EvalItem, Hardware } from '../plugin/contract.ts'
import { writeAtomically } from '../util/atomic.ts'
import { InputError } from '../util/errors.ts'
import type { GitState } from './hardware.ts'
import { stringify } from './json.ts'
import type { Provenance } from './provenance.ts'

const HEARTBEAT_MS = 10_000

export type RunStatus = 'running' | 'done' | 'failed' | 'stopped'

/** run.json. A run whose status is `running` and whose heartbeat is old has died. */
export interface RunRecord extends Provenance {
  readonly name: string
  readonly hash: string
  readonly status: RunStatus
  readonly reason?: string
  readonly started: string
  readonly heartbeat: string
  readonly ended?: string
  readonly pid: number
  readonly host: string
  readonly medtune: string
  readonly git?: GitState
  readonly hardware: Hardware
  readonly step: number
  readonly steps?: number
}

export type NewRun = Omit<RunRecord, 'status' | 'started' | 'heartbeat' | 'pid' | 'host' | 'step'>

export class RunFolder {
  readonly path: string
  private record: RunRecord
  private readonly timer: NodeJS.Timeout
  /** Writes of run.json, one after another: a heartbeat must not overtake the final status. */
  private saved: Promise<void> = Promise.resolve()

  /** Makes `<runsDir>/<utc stamp>-<name>-<hash8>`; a second run within one second gets a suffix. */
  static async create(runsDir: string, record: NewRun): Promise<RunFolder> {
    const now = new Date()
    const path = makeFolder(resolve(runsDir), `${stamp(now)}-${slug(record.name)}-${record.hash.slice(0, 8)}`)
    for (const part of ['eval', 'adapter', 'exports', 'logs']) mkdirSync(join(path, part))
    const folder = new RunFolder(path, record, now.toISOString())
    await folder.save()
    return folder
  }

  private constructor(path: string, record: NewRun, time: string) {
    this.path = path
    this.record = {
      ...record,
      status: 'running',
      started: time,
      heartbeat: time,
      pid: process.pid,
      host: hostname(),
      step: 0,
    }
    this.timer = setInterval(() => this.beat(), HEARTBEAT_MS)
    this.timer.unref()
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  writeText(name: string, text: string): Promise<void> {
    return writeAtomically(this.file(name), (handle) => handle.writeFile(text))
  }

  writeJson(name: string, value: unknown): Promise<void> {
    return this.writeText(name, `${stringify(value, 2)}\n`)
  }

  /** `eval/<name>.<which>.jsonl`: a line an item. */
  writeItems(name: string, which: 'base' | 'tuned', items: readonly EvalItem[]): Promise<void> {
    const lines = items.map(({ id, detail, ...scores }) => stringify({ id, ...detail, ...scores }))
    return writeFile(this.file('eval', `${name}.${which}.jsonl`), lines.map((line) => `${line}\n`).join(''))
  }

  /** Adds what became known of the run, and writes it down. */
  describe(facts: Provenance): Promise<void> {
    this.record = { ...this.record, ...facts }
    return this.save()
  }

  /** Notes how far the run is; written with the next heartbeat. */
  progress(step: number, steps: number): void {
    this.record = { ...this.record, step, steps }
  }

  /** Writes the final status and stops the heartbeat. */
  async finish(status: Exclude<RunStatus, 'running'>, reason?: string): Promise<void> {
    clearInterval(this.timer)
    const ended = new Date().toISOString()
    this.record = { ...this.record, status, ended, heartbeat: ended, ...(reason ? { reason } : {}) }
    await this.save()
  }

  private beat(): void {
    this.record = { ...this.record, heartbeat: new Date().toISOString() }
    // A full disk shows in the next event, which stops the run; a late heartbeat alone must not.
    void this.save().catch(() => undefined)
  }

  private save(): Promise<void> {
    const next = this.saved.then(() => this.writeJson('run.json', this.record))
    this.saved = next.catch(() => undefined)
    return next
  }
}

/** 2026-11-22T15-19-55Z: sorts by time and is a legal name everywhere. */
function stamp(time: Date): string {
  return time.toISOString().replace(/\.\d+/, '').replaceAll(':', '-')
}

function slug(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 60)
}

function makeFolder(parent: string, name: string): string {
  makeParent(parent)
  for (let attempt = 1; ; attempt++) {
    const path = join(parent, attempt === 1 ? name : `${name}-${attempt}`)
    try {
      mkdirSync(path)
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 99) throw error
    }
  }
}

function makeParent(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason = code === 'EEXIST' || code === 'ENOTDIR' ? 'a file is in its place' : code
    throw new InputError(
      `${folder}: run folders cannot be made there (${reason}); choose another with --runs-dir`,
    )
  }
}
