/** @file Trials as processes of this machine, each with its share of the cores and, where asked for, a GPU of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { JobState, SweepSite, TrialExecutor, TrialJob } from '../../plugin/contract.ts'
import { lifeOfHolder, readClaim } from '../board.ts'
import { logTail } from '../log-tail.ts'

export interface LocalOptions {
  /** Cores of a trial; 0 shares them out evenly. */
  readonly cpus: number
  /** GPUs of this machine; one for each trial that runs. */
  readonly gpus: readonly number[]
}

interface Running {
  readonly child: ChildProcess
  readonly slot: number
  ended: boolean
}

export class LocalExecutor implements TrialExecutor {
  private readonly options: LocalOptions
  private readonly site: SweepSite
  private readonly running = new Map<string, Running>()
  private readonly cores: readonly number[]

  constructor(options: LocalOptions, site: SweepSite) {
    this.options = options
    this.site = site
    this.cores = allowedCores()
  }

  async submit(jobs: readonly TrialJob[]): Promise<void> {
    for (const job of jobs) await this.start(job)
  }

  async poll(jobs: readonly TrialJob[]): Promise<ReadonlyMap<string, JobState>> {
    return new Map(jobs.map((job) => [job.id, this.stateOf(job)]))
  }

  async cancel(job: TrialJob): Promise<void> {
    const own = this.running.get(job.id)
    if (own) {
      own.child.kill('SIGKILL')
      return
    }
    const claimed = readClaim(job.file)
    if (claimed?.pid !== undefined && lifeOfHolder(claimed) === 'alive') process.kill(claimed.pid, 'SIGKILL')
  }

  async logs(job: TrialJob): Promise<string> {
    return logTail(job.log)
  }

  /** Trials that still run go on by themselves: the next coordinator finds them. */
  async close(): Promise<void> {
    for (const { child } of this.running.values()) child.unref()
  }

  private async start(job: TrialJob): Promise<void> {
    const slot = this.freeSlot()
    const [program, ...args] = pinned(
      job.command,
      coresOf(this.cores, slot, this.site.workers, this.options.cpus),
    )
    const log = openSync(job.log, 'a')
    try {
      // A session of its own: Ctrl-C in the terminal is for the coordinator, which asks its trials to stop.
      const child = spawn(program!, args, {
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...process.env, ...this.gpuOf(slot), MEDTUNE_SLOT: String(slot) },
      })
      await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
      const entry: Running = { child, slot, ended: false }
      child.once('exit', () => {
        entry.ended = true
      })
      this.running.set(job.id, entry)
    } finally {
      closeSync(log)
    }
  }

  private stateOf(job: TrialJob): JobState {
    const own = this.running.get(job.id)
    if (own && !own.ended) return 'running'
    if (own) {
      this.running.delete(job.id)
      return 'gone'
    }
    // Started by an earlier coordinator. One that was never begun has no claim; the caller calls it off first.
    return lifeOfHolder(readClaim(job.file)) === 'alive' ? 'running' : 'gone'
  }

  private freeSlot(): number {
    const taken = new Set([...this.running.values()].filter(({ ended }) => !ended).map(({ slot }) => slot))
    for (let slot = 0; ; slot++) if (!taken.has(slot)) return slot
  }

  private gpuOf(slot: number): Record<string, string> {
    const { gpus } = this.options
    return gpus.length === 0 ? {} : { CUDA_VISIBLE_DEVICES: String(gpus[slot % gpus.length]) }
  }
}

/** The cores of one slot: so many, or an even share; empty where sharing makes no sense. */
export function coresOf(
  cores: readonly number[],
  slot: number,
  workers: number,
  wanted: number,
): readonly number[] {
  const size = wanted > 0 ? wanted : Math.floor(cores.length / workers)
  if (workers < 2 || size < 1 || size * workers > cores.length) return []
  const place = slot % workers
  return cores.slice(place * size, (place + 1) * size)
}

/** Trials that each count on all cores wait for one another most of the time; Linux keeps them apart. */
function pinned(command: readonly string[], cores: readonly number[]): readonly string[] {
  return cores.length === 0 ? command : ['taskset', '-c', cores.join(','), ...command]
}

/** Numbers of the cores that this process may use; empty where `taskset` cannot tell. */
function allowedCores(): readonly number[] {
  if (process.platform !== 'linux') return []
  try {
    const told = execFileSync('taskset', ['-c', '-p', String(process.pid)], {
      encoding: 'utf8',
      timeout: 5000,
    })
    return parseCores(told.slice(told.lastIndexOf(':') + 1))
  } catch {
    return []
  }
}

/** `0-3,8` as numbers. */
export function parseCores(list: string): readonly number[] {
  return list
    .trim()
    .split(',')
    .flatMap((part) => {
      const [from, to = from] = part.split('-').map(Number) as [number, number?]
      return Array.from({ length: to - from + 1 }, (_, i) => from + i)
    })
    .slice(0, Math.max(1, availableParallelism()))
}
