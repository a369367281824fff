/** @file Which process this is, told so that another one, perhaps after a restart of the machine, can see whether it still lives. */
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

export interface ProcessId {
  readonly host: string
  readonly pid: number
  /** Changes when the machine starts anew. Left out where the system does not tell. */
  readonly boot?: string
  /** When the process started, in the system's own words: a number of a process may be given out again. */
  readonly started?: string
  /** The numbering that `pid` belongs to: containers have their own. */
  readonly space?: string
}

/** `unknown`: it runs, or ran, where this process cannot look. */
export type Life = 'alive' | 'dead' | 'unknown'

export function thisProcess(): ProcessId {
  const boot = quiet(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  const space = quiet(() => readlinkSync('/proc/self/ns/pid'))
  const started = startOf(process.pid)
  return {
    host: hostname(),
    pid: process.pid,
    ...(boot === undefined ? {} : { boot }),
    ...(started === undefined ? {} : { started }),
    ...(space === undefined ? {} : { space }),
  }
}

export function lifeOf(other: ProcessId, self: ProcessId = thisProcess()): Life {
  if (other.host !== self.host) return 'unknown'
  if (other.boot !== undefined && self.boot !== undefined && other.boot !== self.boot) return 'dead'
  if (other.space !== self.space) return 'unknown'
  if (!exists(other.pid) || isZombie(other.pid)) return 'dead'
  const started = startOf(other.pid)
  return other.started !== undefined && started !== undefined && started !== other.started ? 'dead' : 'alive'
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Someone else's process is a process too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Ended, but not yet buried by its parent: in a container perhaps never. */
function isZombie(pid: number): boolean {
  const stat = quiet(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat?.slice(stat.lastIndexOf(')') + 2).startsWith('Z') === true
}

/** Clock ticks since the start of the machine where there is /proc, else what ps says. */
function startOf(pid: number): string | undefined {
  const stat = quiet(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // The name, in brackets, may hold anything; the 20th word behind it is the start.
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  if (process.platform === 'win32' || process.platform === 'linux') return undefined
  return quiet(() => execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim())
}

function quiet<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
