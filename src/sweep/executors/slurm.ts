/**
 * @file Trials on a Slurm cluster. The jobs lie in the sweep's folder, on a disk that all nodes share; what is
 * submitted to Slurm are tasks that take them from there. Where a sampler does not learn, a task runs one trial, so
 * that the scheduler can fit them in; where it does, a few tasks live long and take trials as they are decided on.
 */
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { JobState, SweepSite, TrialExecutor, TrialJob } from '../../plugin/contract.ts'
import { EnvironmentError } from '../../util/errors.ts'
import { readResult } from '../board.ts'
import { logTail } from '../log-tail.ts'
import { isGone, WorkQueue } from '../work-queue.ts'
import {
  SlurmBusyError,
  type SlurmLimits,
  type SlurmState,
  sbatch,
  scancel,
  slurmLimits,
  squeue,
} from './slurm-commands.ts'

export interface SlurmOptions {
  readonly partition?: string
  readonly account?: string
  readonly qos?: string
  /** Time limit of a task, as sbatch takes it. */
  readonly time?: string
  readonly cpus: number
  readonly memory?: string
  readonly gpus: number
  /** Further arguments of sbatch. */
  readonly sbatch: readonly string[]
  /** Lines of the shell before the task: modules, environments. */
  readonly setup: readonly string[]
  /** Seconds before the time limit at which a trial is told to write a checkpoint and stop. */
  readonly warn: number
  /** Seconds between two questions to the scheduler. */
  readonly interval: number
  /** Seconds without work after which a long-lived task gives its place back. */
  readonly idle: number
}

/** Rounds of tasks that all ended without taking a trial, after which something is wrong with the tasks themselves. */
const FRUITLESS = 3

export class SlurmExecutor implements TrialExecutor {
  readonly ahead: number
  private readonly options: SlurmOptions
  private readonly site: SweepSite
  private readonly limits: SlurmLimits
  private readonly queue: WorkQueue
  private readonly name: string
  /** What the scheduler last said, and when it was asked. */
  private tasks: ReadonlyMap<string, SlurmState> = new Map()
  private asked = Number.NEGATIVE_INFINITY
  /** When a job was first seen in the hands of a task that the scheduler did not name. */
  private readonly doubts = new Map<string, number>()
  private outstanding = 0
  private rounds = 0
  private takenBefore = 0

  static async open(options: SlurmOptions, site: SweepSite): Promise<SlurmExecutor> {
    return new SlurmExecutor(options, site, await slurmLimits())
  }

  private constructor(options: SlurmOptions, site: SweepSite, limits: SlurmLimits) {
    this.options = options
    this.site = site
    this.limits = limits
    this.name = `medtune-${site.sweep}`
    this.queue = new WorkQueue(site.folder)
    this.queue.open()
    this.ahead = Math.max(0, limits.array - 1 - site.workers)
    mkdirSync(join(site.folder, 'slurm'), { recursive: true })
  }

  async submit(jobs: readonly TrialJob[]): Promise<void> {
    for (const job of jobs) this.queue.put(job)
    this.outstanding += jobs.length
    await this.ask()
    await this.provide()
  }

  async poll(jobs: readonly TrialJob[]): Promise<ReadonlyMap<string, JobState>> {
    this.outstanding = jobs.filter(({ file }) => !readResult(file)).length
    if (performance.now() - this.asked >= 1000 * this.options.interval) {
      await this.ask()
      await this.provide()
    }
    const waiting = new Set(this.queue.waiting())
    const places = this.queue.places()
    return new Map(jobs.map((job) => [job.id, this.stateOf(job, waiting, places)]))
  }

  async cancel(job: TrialJob): Promise<void> {
    const place = this.queue.places().get(job.id)
    if (place !== undefined) await scancel([place])
  }

  async logs(job: TrialJob): Promise<string> {
    return logTail(job.log)
  }

  async close(over: boolean): Promise<void> {
    // Tasks that wait for work end by themselves; those that wait for a node need not begin.
    if (over) this.queue.closeDown()
    await scancel([`--name=${this.name}`, '--state=PENDING'])
    if (!over && this.queue.waiting().length === 0 && this.outstanding === 0)
      await scancel([`--name=${this.name}`])
  }

  private async ask(): Promise<void> {
    this.tasks = await squeue(this.name)
    this.asked = performance.now()
  }

  private stateOf(
    { id, file }: TrialJob,
    waiting: ReadonlySet<string>,
    places: ReadonlyMap<string, string>,
  ): JobState {
    if (isGone(file)) return 'gone'
    if (waiting.has(id)) return 'queued'
    const place = places.get(id)
    // Never handed out: the coordinator before this one was killed between its decision and the deed.
    if (place === undefined) return 'gone'
    if (this.tasks.get(place) === 'running') {
      this.doubts.delete(id)
      return 'running'
    }
    // The task may be younger than the scheduler's answer: believe only an answer that was given after the doubt.
    const since = this.doubts.get(id) ?? performance.now()
    this.doubts.set(id, since)
    return this.asked > since ? 'gone' : 'unknown'
  }

  /** Submits tasks until there are as many as there is work for. */
  private async provide(): Promise<void> {
    const alive = [...this.tasks.values()].filter((state) => state !== 'ending').length
    const wanted = this.site.adaptive ? Math.min(this.site.workers, this.outstanding) : this.outstanding
    const missing = Math.min(wanted - alive, this.limits.array)
    if (missing <= 0 || this.queue.waiting().length === 0) return
    this.watchForFruitless()
    await this.submitTasks(Math.min(missing, Math.max(1, this.queue.waiting().length)))
  }

  private async submitTasks(count: number): Promise<void> {
    try {
      const id = await sbatch(this.argumentsFor(count), this.script())
      this.tasks = new Map([
        ...this.tasks,
        ...Array.from({ length: count }, (_, i) => [`${id}_${i}`, 'pending'] as const),
      ])
    } catch (error) {
      if (!(error instanceof SlurmBusyError)) throw error
      // The site lets fewer wait; what does not fit now is tried again with the next look.
      if (count > 1) await this.submitTasks(Math.floor(count / 2))
    }
  }

  /** Tasks that end without taking anything would be submitted for ever. */
  private watchForFruitless(): void {
    const taken = this.queue.places().size
    this.rounds = taken > this.takenBefore ? 1 : this.rounds + 1
    this.takenBefore = taken
    const busy = [...this.tasks.values()].some((state) => state !== 'ending')
    if (this.rounds <= FRUITLESS || busy) return
    throw new EnvironmentError(
      `${FRUITLESS} rounds of Slurm tasks ended without taking a trial; the last one said: ${this.lastWords() || 'nothing'}`,
    )
  }

  private lastWords(): string {
    const folder = join(this.site.folder, 'slurm')
    const files = readdirSync(folder).map((name) => join(folder, name))
    const last = files.sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs).at(-1)
    return last === undefined ? '' : logTail(last).trim().slice(-1000)
  }

  private argumentsFor(count: number): readonly string[] {
    const { partition, account, qos, time, cpus, memory, gpus, warn, sbatch: more } = this.options
    const option = (name: string, value: string | undefined): string[] =>
      value === undefined ? [] : [`--${name}=${value}`]
    return [
      `--job-name=${this.name}`,
      `--array=0-${count - 1}%${this.site.workers}`,
      `--output=${join(this.site.folder, 'slurm', '%A_%a.out')}`,
      '--open-mode=append',
      '--requeue',
      `--signal=B:USR1@${warn}`,
      ...option('partition', partition),
      ...option('account', account),
      ...option('qos', qos),
      ...option('time', time),
      ...option('mem', memory),
      `--cpus-per-task=${cpus}`,
      ...(gpus > 0 ? [`--gres=gpu:${gpus}`] : []),
      ...more,
    ]
  }

  /** The task runs in the background and is waited for, so that the shell can pass the scheduler's warning on. */
  private script(): string {
    const { setup, idle } = this.options
    const { medtune, folder, adaptive } = this.site
    const limits = adaptive ? ['--idle', String(idle)] : ['--trials', '1', '--idle', '10']
    const command = [...medtune, 'agent', folder, ...limits].map(quote).join(' ')
    return [
      '#!/bin/bash',
      ...setup,
      `${command} &`,
      'agent=$!',
      'code=0',
      'trap \'kill -TERM "$agent" 2>/dev/null\' USR1 TERM',
      // `wait` returns early where a trap ran.
      'while kill -0 "$agent" 2>/dev/null; do wait "$agent"; code=$?; done',
      'exit "$code"',
      '',
    ].join('\n')
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
