/**
 * @file One owner a run, or a sweep. `owner.<n>.json` in the run's folder names the process; to take over from a dead one is to
 * make the file with the next number, which only one process can. Nobody ever removes another's file first, so
 * there is no moment in which two could win.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { InputError } from '../util/errors.ts'
import { fsOps, writeAll } from '../util/fs-ops.ts'
import { lifeOf, type ProcessId, thisProcess } from './process-id.ts'

/** A few heartbeats: an owner elsewhere that lets them pass has died. */
const SILENCE_MS = 35_000

const UNWRITABLE = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT'])

interface Owner {
  readonly number: number
  readonly file: string
  /** Undefined where the file says nothing that makes sense. */
  readonly process: (ProcessId & { readonly since?: string }) | undefined
}

export interface LockOptions {
  /** What changes while an owner lives, such as the heartbeat in run.json; asked where the owner cannot be seen. */
  readonly pulse?: () => string
  readonly silence?: number
  /** What the folder holds. */
  readonly what?: 'run' | 'sweep'
  readonly onWait?: (message: string) => void
}

export class RunLock {
  private readonly folder: string
  private readonly file: string
  private readonly number: number

  /**
   * Makes this process the owner of a run.
   * @throws InputError where a living process owns it
   */
  static async take(folder: string, options: LockOptions = {}): Promise<RunLock> {
    for (;;) {
      const owner = ownerOf(folder)
      if (owner) await makeSureOfDeath(folder, owner, options)
      const number = (owner?.number ?? 0) + 1
      const file = await make(folder, number)
      // Another was faster: look who.
      if (file === undefined) continue
      const lock = new RunLock(folder, file, number)
      if (!lock.held()) {
        lock.release()
        continue
      }
      for (const old of ownersOf(folder)) if (old.number < number) remove(old.file)
      return lock
    }
  }

  private constructor(folder: string, file: string, number: number) {
    this.folder = folder
    this.file = file
    this.number = number
  }

  /** Whether this process still owns the run: one that stood still for long may have been taken for dead. */
  held(): boolean {
    return existsSync(this.file) && ownersOf(this.folder).every(({ number }) => number <= this.number)
  }

  release(): void {
    remove(this.file)
  }
}

function ownersOf(folder: string): readonly { readonly number: number; readonly file: string }[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const number = /^owner\.(\d{1,9})\.json$/.exec(name)?.[1]
      return number === undefined ? [] : [{ number: Number(number), file: join(folder, name) }]
    })
    .sort((a, b) => b.number - a.number)
}

function ownerOf(folder: string): Owner | undefined {
  for (const { number, file } of ownersOf(folder)) {
    try {
      return { number, file, process: parseOwner(readFileSync(file, 'utf8')) }
    } catch (error) {
      // Given up between the two looks.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return undefined
}

function parseOwner(text: string): Owner['process'] {
  try {
    const found = JSON.parse(text) as Partial<ProcessId> | null
    return typeof found?.host === 'string' && Number.isInteger(found.pid) ? (found as ProcessId) : undefined
  } catch {
    return undefined
  }
}

async function makeSureOfDeath(folder: string, owner: Owner, options: LockOptions): Promise<void> {
  const { process: other, file } = owner
  // A file is in its place only once it is whole, so a damaged one is what a crash of the machine left.
  if (other === undefined) return
  const life = lifeOf(other)
  if (life === 'dead') return
  if (life === 'unknown' && (await silent(options, other))) return
  const since = other.since === undefined ? '' : `, since ${other.since}`
  throw new InputError(
    `${folder}: process ${other.pid} on ${other.host} owns this ${options.what ?? 'run'}${since}; wait for it or stop it` +
      (life === 'unknown' ? `, and if you know it to be gone, remove ${file}` : ''),
  )
}

async function silent(
  { pulse, silence = SILENCE_MS, what = 'run', onWait }: LockOptions,
  other: ProcessId,
): Promise<boolean> {
  if (!pulse) return false
  onWait?.(
    `the ${what} was last owned by process ${other.pid} on ${other.host}: listening ${silence / 1000} s for its heartbeat`,
  )
  const before = pulse()
  await sleep(silence)
  return pulse() === before
}

/** The file of an owner, put in its place whole; undefined where the number is taken. */
async function make(folder: string, number: number): Promise<string | undefined> {
  const fs = fsOps()
  const file = join(folder, `owner.${number}.json`)
  const draft = join(folder, `.owner.${randomBytes(6).toString('hex')}.tmp`)
  const text = `${JSON.stringify({ ...thisProcess(), since: new Date().toISOString() })}\n`
  try {
    const made = await fs.create(draft)
    await writeAll(made, text).finally(() => made.close())
    await fs.link(draft, file)
    return file
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return undefined
    if (code !== undefined && UNWRITABLE.has(code))
      throw new InputError(`${folder}: cannot be written (${code}), so the run cannot go on there`)
    throw error
  } finally {
    await fs.remove(draft).catch(() => undefined)
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file)
  } catch {
    // Gone already, or the folder cannot be written any more: a dead owner is noticed all the same.
  }
}
