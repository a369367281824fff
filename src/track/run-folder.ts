/** @file The folder of one run: what lies where, and run.json, which says how the run stands. */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { EvalItem, Hardware } from '../plugin/contract.ts'
import { writeAtomically } from '../util/atomic.ts'
import { InputError } from '../util/errors.ts'
import { fsOps } from '../util/fs-ops.ts'
import type { GitState } from './hardware.ts'
import { stringify } from './json.ts'
import type { Provenance } from './provenance.ts'
import { RunLock } from './run-lock.ts'
import { itemLine } from './scorings.ts'

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
  /** Each time that the run was gone on with. */
  readonly resumed?: readonly Resumed[]
  /** The trial of a sweep that it is. */
  readonly sweep?: { readonly id: string; readonly trial: string }
}

export interface Resumed {
  readonly time: string
  /** Steps that were done. */
  readonly step: number
  /** The checkpoint it went on from; left out where training began anew. */
  readonly checkpoint?: string
  readonly overrides?: readonly string[]
}

/** This process does not own the run any more: it stood still for so long that another took it for dead. */
export class OwnerLostError extends Error {
  override readonly name = 'OwnerLostError'
}

export type NewRun = Omit<RunRecord, 'status' | 'started' | 'heartbeat' | 'pid' | 'host' | 'step' | 'resumed'>

/** Room for the last words of a run whose disk is full: given back before its end is written. */
const SPARE = '.spare'
const SPARE_BYTES = 64 * 1024

const PARTS = ['eval', 'adapter', 'checkpoints', 'exports', 'logs']

export class RunFolder {
  readonly path: string
  /** Aborts with an OwnerLostError where another process has taken the run over. */
  readonly lost: AbortSignal
  private readonly lock: RunLock
  private readonly losing = new AbortController()
  private record: RunRecord
  private readonly timer: NodeJS.Timeout
  /** Writes of run.json, one after another: a heartbeat must not overtake the final status. */
  private saved: Promise<void> = Promise.resolve()

  /** Makes `<runsDir>/<utc stamp>-<name>-<hash8>`; a second run within one second gets a suffix. */
  static async create(runsDir: string, record: NewRun): Promise<RunFolder> {
    const time = new Date().toISOString()
    const parent = resolve(runsDir)
    const path = makeRunFolder(parent, record.name, record.hash.slice(0, 8), time)
    for (const part of PARTS) mkdirSync(join(path, part))
    const lock = await RunLock.take(path)
    const folder = new RunFolder(path, lock, { ...record, ...status(time), started: time, step: 0 })
    await folder.orFail(async () => {
      await folder.save()
      await fsOps().syncFolder(parent)
      await folder.keepSpare()
    })
    return folder
  }

  /** Goes on with a run that this process owns. */
  static async reopen(path: string, lock: RunLock, before: RunRecord, resumed: Omit<Resumed, 'time'>) {
    const time = new Date().toISOString()
    const { ended: _, reason: __, ...kept } = before
    await removeDrafts(path)
    const record: RunRecord = {
      ...kept,
      ...status(time),
      step: resumed.step,
      resumed: [...(before.resumed ?? []), { time, ...resumed }],
    }
    const folder = new RunFolder(path, lock, record)
    await folder.orFail(async () => {
      await folder.save()
      await folder.keepSpare()
    })
    return folder
  }

  private constructor(path: string, lock: RunLock, record: RunRecord) {
    this.path = path
    this.lock = lock
    this.record = record
    this.lost = this.losing.signal
    this.timer = setInterval(() => this.beat(), HEARTBEAT_MS)
    this.timer.unref()
  }

  /** @throws OwnerLostError where another process owns the run now */
  checkOwner(): void {
    if (this.lock.held()) return
    const error = new OwnerLostError(
      `${this.path}: another process has taken over this run, because this one stood still for long; it stops here`,
    )
    this.losing.abort(error)
    throw error
  }

  file(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  writeText(name: string, text: string): Promise<void> {
    return writeAtomically(this.file(name), (draft) => draft.write(text))
  }

  writeJson(name: string, value: unknown): Promise<void> {
    return this.writeText(name, `${stringify(value, 2)}\n`)
  }

  /** `eval/<name>.<which>.jsonl`: a line an item. */
  writeItems(name: string, which: 'base' | 'tuned', items: readonly EvalItem[]): Promise<void> {
    return this.writeText(join('eval', `${name}.${which}.jsonl`), items.map(itemLine).join(''))
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

  /** Gives back the room that was kept for the end: whatever is written last must find a place on a full disk. */
  async useSpare(): Promise<void> {
    await fsOps()
      .remove(this.file(SPARE))
      .catch(() => undefined)
  }

  private async keepSpare(): Promise<void> {
    await this.useSpare()
    await writeAtomically(this.file(SPARE), (draft) => draft.write(new Uint8Array(SPARE_BYTES))).catch(
      () => undefined,
    )
  }

  /** Writes the final status, stops the heartbeat and gives the run up. */
  async finish(status: Exclude<RunStatus, 'running'>, reason?: string): Promise<void> {
    clearInterval(this.timer)
    const ended = new Date().toISOString()
    this.record = { ...this.record, status, ended, heartbeat: ended, ...(reason ? { reason } : {}) }
    try {
      await this.save()
    } finally {
      this.lock.release()
    }
  }

  /** Does what must succeed before the run can begin; where it does not, the run has failed and is given up. */
  async orFail<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      await this.useSpare()
      await this.finish('failed', error instanceof Error ? error.message : String(error)).catch(
        () => undefined,
      )
      throw error
    }
  }

  /** Leaves the run to its new owner. */
  abandon(): void {
    clearInterval(this.timer)
  }

  private beat(): void {
    this.record = { ...this.record, heartbeat: new Date().toISOString() }
    // A full disk shows in the next event, which stops the run; a late heartbeat alone must not.
    void this.save().catch(() => undefined)
  }

  private save(): Promise<void> {
    const next = this.saved.then(() => {
      this.checkOwner()
      return this.writeJson('run.json', this.record)
    })
    this.saved = next.catch(() => undefined)
    return next
  }
}

/** What run.json says of a process that has just begun to work on a run. */
function status(time: string) {
  return { status: 'running', heartbeat: time, pid: process.pid, host: hostname() } as const
}

/** What a process that was killed had begun to write. */
async function removeDrafts(path: string): Promise<void> {
  for (const part of ['', ...PARTS]) {
    for (const name of await readdir(join(path, part)).catch(() => [])) {
      if (/^\..*\.tmp$/.test(name)) await fsOps().remove(join(path, part, name))
    }
  }
}

/** Makes `<parent>/<utc stamp>-<name>-<id>`; returns its absolute path. */
export function makeRunFolder(parent: string, name: string, id: string, time: string): string {
  return makeFolder(resolve(parent), `${stamp(time)}-${slug(name)}-${id}`)
}

/** 2026-11-22T15-19-55Z: sorts by time and is a legal name everywhere. */
function stamp(time: string): string {
  return time.replace(/\.\d+/, '').replaceAll(':', '-')
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
