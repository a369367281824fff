/**
 * @file Trials over a BullMQ queue in Redis, for workers on any machine that reaches it (`medtune worker`). What they
 * write comes back over the queue into the sweep's own folder, so that nobody else need know where a trial ran; a
 * worker that sees that folder writes there itself.
 */
import { basename, join } from 'node:path'
import type { Redis } from 'ioredis'
import { stringify } from 'yaml'
import type { JobState, SweepSite, TrialExecutor, TrialJob } from '../../plugin/contract.ts'
import { RecipeError } from '../../recipe/errors.ts'
import { loadRecipe } from '../../recipe/recipe.ts'
import {
  type Beat,
  beat,
  readBeat,
  readReports,
  readResult,
  readSheet,
  readStop,
  report,
  type TrialSheet,
  writeResult,
} from '../board.ts'
import { refuseChosen } from '../chosen.ts'
import { logTail } from '../log-tail.ts'
import { absolutePaths, located } from '../paths.ts'
import { overridesOf, paramsOf } from '../probe.ts'
import { bullmq, connect, type QueuedJob, queueUrl, type TrialQueue } from '../queue/connect.ts'
import { receiveFolder } from '../queue/files.ts'
import { KEEP_SECONDS, keysOf, type QueuedTrial, type TrialReturn } from '../queue/protocol.ts'

export interface BullmqOptions {
  /** `redis://...`; MEDTUNE_QUEUE where left out. */
  readonly url?: string
  readonly name: string
}

export class BullmqExecutor implements TrialExecutor {
  private readonly name: string
  private readonly site: SweepSite
  private readonly redis: Redis
  private readonly clients: readonly Redis[]
  private readonly queue: TrialQueue
  /** When an active job was first seen without a sign of life from its worker. */
  private readonly silent = new Map<string, number>()
  private readonly said = new Map<string, string>()

  static async open({ url, name }: BullmqOptions, site: SweepSite): Promise<BullmqExecutor> {
    const { Queue } = await bullmq()
    const address = queueUrl(url)
    const clients = [await connect(address), await connect(address)] as const
    const queue: TrialQueue = new Queue<QueuedTrial, TrialReturn>(name, { connection: clients[1] })
    // A server that is away for a while is waited for.
    queue.on('error', () => undefined)
    return new BullmqExecutor(name, site, clients, queue)
  }

  private constructor(name: string, site: SweepSite, clients: readonly [Redis, Redis], queue: TrialQueue) {
    this.name = name
    this.site = site
    this.redis = clients[0]
    this.clients = clients
    this.queue = queue
  }

  async submit(jobs: readonly TrialJob[]): Promise<void> {
    for (const { id, file } of jobs) {
      const sheet = readSheet(file)
      const recipe = await carried(sheet).catch((error: unknown) => {
        if (!(error instanceof RecipeError)) throw error
        // As where a trial finds that out itself: it has failed, and the others go on.
        const reason = error.message.slice(0, 2000)
        writeResult(file, { status: 'failed', reason, metrics: {}, seconds: 0 })
      })
      if (recipe === undefined) continue
      const keep = { removeOnComplete: { age: KEEP_SECONDS }, removeOnFail: { age: KEEP_SECONDS } }
      await this.queue.add('trial', { file, sheet, recipe }, { jobId: id, ...keep })
    }
  }

  async poll(jobs: readonly TrialJob[]): Promise<ReadonlyMap<string, JobState>> {
    const states = await Promise.all(jobs.map(async (job) => [job.id, await this.look(job)] as const))
    return new Map(states)
  }

  /** A trial on another machine cannot be killed from here: it has been asked to stop, and is no longer listened to. */
  async cancel({ id }: TrialJob): Promise<void> {
    await this.forget(id)
  }

  async logs({ id, log }: TrialJob): Promise<string> {
    return this.said.get(id) ?? logTail(log)
  }

  async close(): Promise<void> {
    await this.queue.close()
    for (const client of this.clients) await client.quit().catch(() => undefined)
  }

  private async look({ id, file }: TrialJob): Promise<JobState> {
    const state = await this.queue.getJobState(id)
    if (state === 'unknown') return readResult(file) ? 'running' : 'gone'
    await this.passOn(id, file)
    if (state === 'active') return this.lives(id, file)
    if (state !== 'completed' && state !== 'failed') return 'queued'
    // Read once its end is known: what was read before may lack what it ended with.
    const job = await this.queue.getJob(id)
    if (state === 'completed' && job) {
      await this.takeIn(job, file)
      return 'running'
    }
    this.said.set(id, job?.failedReason ?? 'the queue no longer knows of it')
    await this.forget(id)
    return 'gone'
  }

  /** Reports and wishes, each in its direction. */
  private async passOn(id: string, file: string): Promise<void> {
    const keys = keysOf(this.name, id)
    const wish = readStop(file)
    if (wish) await this.redis.set(keys.stop, wish, 'EX', 86_400)
    // A worker on the same disk reports there itself, and sends none.
    const known = readReports(file, 0).length
    for (const line of await this.redis.lrange(keys.reports, known, -1)) {
      const { step, value } = JSON.parse(line) as { readonly step: number; readonly value: string }
      report(file, { step, value: Number(value) })
    }
  }

  private async lives(id: string, file: string): Promise<JobState> {
    const text = await this.redis.get(keysOf(this.name, id).beat)
    if (text !== null) {
      this.silent.delete(id)
      const sign = JSON.parse(text) as Partial<Beat>
      if (sign.sign !== undefined && sign.sign !== readBeat(file)?.sign)
        beat(file, { step: 0, ...sign } as Beat)
      return 'running'
    }
    // It has just begun, or its worker is gone and no other is there to notice.
    const since = this.silent.get(id) ?? performance.now()
    this.silent.set(id, since)
    if (performance.now() - since < 1000 * this.site.lease) return 'running'
    this.said.set(id, 'its worker gave no sign of life')
    await this.forget(id)
    return 'gone'
  }

  /** The run folder first, then the result that names it: whoever sees the one finds the other. */
  private async takeIn(job: QueuedJob, file: string): Promise<void> {
    const { result, shared } = job.returnvalue
    if (!shared) {
      if (result.run !== undefined)
        await receiveFolder(
          this.redis,
          keysOf(this.name, job.id!).files,
          join(this.site.folder, 'runs', basename(result.run)),
        )
      writeResult(file, { ...result, ...(result.run ? { run: `runs/${basename(result.run)}` } : {}) })
    }
    await this.forget(job.id!)
  }

  private async forget(id: string): Promise<void> {
    const keys = keysOf(this.name, id)
    const job = await this.queue.getJob(id)
    // One that a worker holds cannot be removed; nobody will ask for it again.
    await job?.remove().catch(() => undefined)
    await this.redis.del(keys.beat, keys.reports, keys.files)
  }
}

/** The trial's recipe as a file for a worker on another disk. @throws RecipeError where it must not be trained */
async function carried({ recipe, overrides, cwd, metric }: TrialSheet): Promise<string> {
  // That worker sees absolute paths, in which a folder above counts that is no part of the name.
  await refuseChosen(metric.name, await loadRecipe(recipe, overrides, cwd))
  const resolved = await loadRecipe(recipe, overridesOf(absolutePaths(paramsOf(overrides), cwd)))
  return stringify(located(resolved, resolved.recipe), { aliasDuplicateObjects: false })
}
