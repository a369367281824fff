/** @file What a run ran on, and the memory it took. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import { promisify } from 'node:util'
import type { Hardware } from '../plugin/contract.ts'

export function hardware(): Hardware {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_bytes: totalmem(),
    platform: `${platform()} ${release()} ${process.arch}`,
    node: process.version,
  }
}

/** Bytes of memory this process holds now and held at most. Workers are threads, so they count. */
export function memory(): { readonly now: number; readonly peak: number } {
  const resource = process.resourceUsage().maxRSS * 1024
  try {
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return { now: process.memoryUsage.rss(), peak: peak ? Number(peak) * 1024 : resource }
  } catch {
    return { now: process.memoryUsage.rss(), peak: resource }
  }
}

export interface GitState {
  readonly commit: string
  /** Whether files under version control differ from that commit. */
  readonly dirty: boolean
}

/** Commit that `folder` is at; undefined without git or outside a repository. */
export async function gitState(folder: string): Promise<GitState | undefined> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', args, { cwd: folder, timeout: 3000, windowsHide: true })).stdout.trim()
  try {
    const [commit, changes] = await Promise.all([
      git('rev-parse', 'HEAD'),
      git('status', '--porcelain', '--untracked-files=no'),
    ])
    return { commit, dirty: changes !== '' }
  } catch {
    return undefined
  }
}
