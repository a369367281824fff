/** @file A worker on any machine that reaches the queue: takes trials, runs each in a process of its own, sends back what came of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import type { Redis } from 'ioredis'
import {
  askToStop,
  type Beat,
  beside,
  readBeat,
  readReports,
  readResult,
  readSheet,
  type TrialResult,
  writeSheet,
} from '../board.ts'
import { logTail } from '../log-tail.ts'
import { bullmq, connect, type QueuedJob, type TrialWorker } from './connect.ts'
import { sendFolder } from './files.ts'
import { KEEP_SECONDS, keysOf, type QueuedTrial, type TrialReturn } from './protocol.ts'

export interface WorkerOptions {
  readonly url: string
  /** Name of the queue. */
  readonly name: string
  /** Trials at once. */
  readonly trials: number
  /** Where trials of sweeps on other disks are worked on. */
  readonly folder: string
  /** Never writes into a sweep's folder, even where it is seen from here. */
  readonly ownDisk: boolean
  /** Seconds that a trial may be without a sign of life from this process. */
  readonly lease: number
  /** Program and arguments before a command of medtune's. */
  readonly medtune: readonly string[]
  readonly say: (text: string) => void
  readonly ready?: () => void
}

/** How often signs of life, reports and wishes go over the queue. */
const PUMP_MS = 500

/** Works until `signal`; its trials then stop at their next step and are sent back as far as they came. */
export async function runWorker(options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { Worker } = await bullmq()
  const redis = await connect(options.url)
  const connection = await connect(options.url)
  const children = new Set<ChildProcess>()
  const worker: TrialWorker = new Worker<QueuedTrial, TrialReturn>(
    options.name,
    (job) => processJob(job, redis, children, options),
    {
      connection,
      concurrency: options.trials,
      lockDuration: 1000 * options.lease,
      stalledInterval: 500 * options.lease,
      // Who gets a trial whose worker is gone is the coordinator's decision.
      maxStalledCount: 0,
    },
  )
  worker.on('error', (error) => options.say(`queue: ${error.message}`))
  await worker.waitUntilReady()
  options.ready?.()
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  for (const child of children) child.kill('SIGTERM')
  await worker.close()
  for (const client of [redis, connection]) await client.quit().catch(() => undefined)
}

async function processJob(
  job: QueuedJob,
  redis: Redis,
  children: Set<ChildProcess>,
  options: WorkerOptions,
): Promise<TrialReturn> {
  const { sheet } = job.data
  options.say(`${sheet.sweep} ${sheet.trial}: starts, attempt ${sheet.attempt}`)
  const shared = !options.ownDisk && isShared(job.data)
  const file = shared ? job.data.file : await unpack(job.data, options.folder)
  const pump = new Pump(redis, file, keysOf(options.name, job.id!), options.lease, shared)
  const ended = await runTrial(file, options, children)
  await pump.close()
  const result = readResult(file)
  if (!result)
    throw new Error(`${ended}; the last it said: ${logTail(beside(file, 'log')).trim().slice(-500)}`)
  options.say(`${sheet.sweep} ${sheet.trial}: ${result.status}${result.reason ? `, ${result.reason}` : ''}`)
  if (!shared) await sendBack(redis, job, result, options)
  return { result, shared }
}

/** Whether this machine sees the sweep's own folder. */
function isShared({ file, sheet }: QueuedTrial): boolean {
  try {
    const here = readSheet(file)
    return here.sweep === sheet.sweep && here.trial === sheet.trial && here.attempt === sheet.attempt
  } catch {
    return false
  }
}

/** Makes a folder for the trial on this machine; returns the attempt's file in it. */
async function unpack({ sheet, recipe }: QueuedTrial, folder: string): Promise<string> {
  const { from: _, ...rest } = sheet
  const home = homeOf(folder, sheet)
  await rm(home, { recursive: true, force: true })
  await mkdir(home, { recursive: true })
  const recipeFile = join(home, 'recipe.yaml')
  await writeFile(recipeFile, recipe)
  const file = join(home, 'trial.json')
  writeSheet(file, {
    ...rest,
    recipe: recipeFile,
    overrides: [],
    cwd: home,
    runsDir: join(home, 'runs'),
    carried: true,
  })
  return file
}

function homeOf(folder: string, { sweep, trial, attempt }: QueuedTrial['sheet']): string {
  return join(folder, sweep, `${trial}-${attempt}`)
}

function runTrial(file: string, { medtune }: WorkerOptions, children: Set<ChildProcess>): Promise<string> {
  const [program, ...args] = [...medtune, 'trial', file]
  const log = openSync(beside(file, 'log'), 'a')
  return new Promise<string>((resolve) => {
    const child = spawn(program!, args, {
      // It stops where this process is gone: nobody would fetch what it comes to.
      stdio: ['pipe', log, log],
      env: { ...process.env, MEDTUNE_PLACE: `${hostname()}-${process.pid}`, MEDTUNE_TIED: '1' },
    })
    children.add(child)
    const done = (how: string): void => {
      children.delete(child)
      closeSync(log)
      resolve(how)
    }
    child.once('error', (error) => done(error.message))
    child.once('exit', (code, signal) => done(`its process ended with ${signal ?? `code ${code}`}`))
  })
}

async function sendBack(
  redis: Redis,
  job: QueuedJob,
  { run }: TrialResult,
  { name, folder }: WorkerOptions,
): Promise<void> {
  const home = homeOf(folder, job.data.sheet)
  if (run !== undefined)
    await sendFolder(redis, keysOf(name, job.id!).files, join(home, 'runs', basename(run)))
  await rm(home, { recursive: true, force: true })
}

/** Carries what a trial writes beside its file to the queue, and the coordinator's wishes back. */
class Pump {
  private readonly redis: Redis
  private readonly file: string
  private readonly keys: ReturnType<typeof keysOf>
  private readonly lease: number
  private readonly shared: boolean
  private readonly timer: NodeJS.Timeout
  private reports = 0
  private running: Promise<void> = Promise.resolve()

  /** @param shared the trial writes where the coordinator reads: only the sign of life is carried */
  constructor(redis: Redis, file: string, keys: ReturnType<typeof keysOf>, lease: number, shared: boolean) {
    this.redis = redis
    this.file = file
    this.keys = keys
    this.lease = lease
    this.shared = shared
    this.timer = setInterval(() => this.turn(), PUMP_MS)
    this.turn()
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    this.turn()
    await this.running
  }

  private turn(): void {
    // One after another; a queue that is away for a moment only delays.
    this.running = this.running.then(() => this.carry()).catch(() => undefined)
  }

  private async carry(): Promise<void> {
    const sign: Partial<Beat> = (this.shared ? undefined : readBeat(this.file)) ?? {}
    await this.redis.set(this.keys.beat, JSON.stringify(sign), 'EX', Math.ceil(this.lease))
    if (this.shared) return
    const fresh = readReports(this.file, this.reports)
    if (fresh.length > 0) {
      await this.redis.rpush(
        this.keys.reports,
        ...fresh.map((one) => JSON.stringify({ ...one, value: String(one.value) })),
      )
      await this.redis.expire(this.keys.reports, KEEP_SECONDS)
      this.reports += fresh.length
    }
    const wish = await this.redis.get(this.keys.stop)
    if (wish === 'prune' || wish === 'stop') askToStop(this.file, wish)
  }
}
