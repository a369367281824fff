/** @file Tells one process from all others, also from a later one that got its number. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

export interface ProcessMark {
  readonly host: string
  readonly pid: number
  /** What no later process with this number shares: the machine's boot and the start in clock ticks, where Linux tells. */
  readonly start?: string
}

export function markOf(pid: number = process.pid): ProcessMark {
  const start = startOf(pid)
  return { host: hostname(), pid, ...(start ? { start } : {}) }
}

/** Whether that process still runs; undefined where this machine cannot know, since it ran on another. */
export function isAlive(mark: ProcessMark): boolean | undefined {
  if (mark.host !== hostname()) return undefined
  try {
    process.kill(mark.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const start = startOf(mark.pid)
  return mark.start === undefined || start === undefined || start === mark.start
}

/** Field 22 of /proc/<pid>/stat, counted behind the name, which may hold anything; a zombie no longer runs. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? `${boot} ended` : `${boot} ${fields[19]}`
  } catch {
    return undefined
  }
}
