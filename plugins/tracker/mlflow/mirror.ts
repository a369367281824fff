/**
 * @file A run's mirror on an MLflow server. The run's own events.jsonl is the truth: `catchUp` sends whatever it has
 * gained, so that a live run, a resumed one and a replay of an old one are the same thing.
 */
import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { RunEvent } from 'medtune/plugin'
import { type Cursor, readCursor, writeCursor } from './cursor.ts'
import { figuresOf, metricsOf, type NanPolicy, paramsOf } from './entities.ts'
import { readEvents } from './events.ts'
import { batches, cut, MAX } from './limits.ts'
import { type KeyValue, type Metric, MlflowRest, Refused } from './rest.ts'
import { openSweepRun, type SweepRun } from './sweep.ts'

export interface MirrorOptions {
  readonly uri: string
  readonly experiment: string
  readonly nan: NanPolicy
  readonly artifacts: 'records' | 'adapter' | 'none'
}
/** Tells the user something. */
type Warn = (message: string) => void

type RunEnd = Extract<RunEvent, { type: 'end' }>

const ENDS_OR_OPENS: ReadonlySet<string> = new Set(['start', 'resume', 'end'])
const RUN_STATUS = { done: 'FINISHED', failed: 'FAILED', stopped: 'KILLED' } as const
/** What a run's folder holds that is worth keeping with it. */
const RECORDS = ['recipe.yaml', 'resolved.json', 'report.json']
const ADAPTER = ['adapter/adapter_config.json', 'adapter/adapter_model.safetensors']

export class Mirror {
  readonly #folder: string
  readonly #options: MirrorOptions
  readonly #rest: MlflowRest
  readonly #warn: Warn
  #cursor: Cursor | undefined
  /** Bytes of events.jsonl that were read. Every process begins at 0: what was sent before is known by its step. */
  #offset = 0
  /** Whether what was read so far ends with the run's end. */
  #ended = false
  /** The sweep that it is a trial of; null for any other run, undefined before it is known. */
  #sweep: SweepRun | null | undefined

  constructor(folder: string, options: MirrorOptions, warn: Warn) {
    this.#folder = folder
    this.#options = options
    this.#rest = new MlflowRest(options.uri)
    this.#warn = warn
  }

  /**
   * Sends all that the run has recorded and the server does not have.
   * @param end what it came to, for a run that died without recording it
   * @throws Error that says why it cannot
   */
  async catchUp(end?: RunEnd): Promise<void> {
    this.#cursor ??= await this.#known()
    for (;;) {
      const { events, offset } = await readEvents(this.#folder, this.#offset)
      if (events.length === 0) break
      this.#cursor ??= await this.#create(events)
      await this.#join(events)
      await this.#send(events)
      this.#offset = offset
      for (const { type } of events) if (ENDS_OR_OPENS.has(type)) this.#ended = type === 'end'
    }
    if (!end || !this.#cursor || this.#ended) return
    await this.#finish(end)
    this.#ended = true
  }

  /** The run's cursor, where it was sent to this server and experiment before. */
  async #known(): Promise<Cursor | undefined> {
    const cursor = await readCursor(this.#folder)
    const { uri, experiment } = this.#options
    return cursor?.uri === uri && cursor.experiment === experiment ? cursor : undefined
  }

  async #create(events: readonly RunEvent[]): Promise<Cursor> {
    const { uri, experiment } = this.#options
    const given = process.env.MLFLOW_PARENT_RUN_ID
    const { id, artifacts } = await this.#rest.createRun({
      experiment_id: await this.#rest.experiment(experiment),
      run_name: basename(this.#folder),
      start_time: Date.parse(events[0]!.time),
      tags: await this.#tags(given),
    })
    const cursor: Cursor = {
      uri,
      experiment,
      run_id: id,
      ...(given === undefined ? {} : { parent: { id: given, from: 'environment' } }),
      artifacts,
      step: -1,
      evals: {},
      nan: {},
      sending: false,
    }
    await writeCursor(this.#folder, cursor)
    return cursor
  }

  /** A trial of a sweep goes below the run of the sweep, also where it was sent before there was any. */
  async #join(events: readonly RunEvent[]): Promise<void> {
    const { parent, run_id } = this.#cursor!
    if (parent?.from === 'environment') return
    if (this.#sweep === undefined) {
      const began = Date.parse(events[0]!.time)
      this.#sweep = await openSweepRun(this.#rest, this.#options.experiment, this.#folder, began)
    }
    const resumed = events.some(({ type }) => type === 'resume')
    if (!this.#sweep || (parent && !resumed)) return
    const id = await this.#sweep.join(run_id)
    if (id !== undefined) return this.#save({ parent: { id, from: 'sweep' } })
    this.#sweep = null
    this.#warn('the server has no runs/search, so the trials of the sweep stand side by side there')
  }

  async #tags(parent: string | undefined): Promise<KeyValue[]> {
    const run = JSON.parse(await readFile(join(this.#folder, 'run.json'), 'utf8')) as {
      readonly hash?: string
      readonly medtune?: string
      readonly git?: { readonly commit: string }
      readonly hardware?: { readonly cpu: string }
    }
    const tags = {
      'mlflow.source.name': 'medtune',
      'mlflow.source.git.commit': run.git?.commit,
      'medtune.version': run.medtune,
      'medtune.recipe_hash': run.hash,
      'medtune.cpu': run.hardware?.cpu,
      'mlflow.parentRunId': parent,
    }
    return Object.entries(tags).flatMap(([key, value]) =>
      value === undefined ? [] : [{ key, value: cut(value, MAX.tag) }],
    )
  }

  async #send(events: readonly RunEvent[]): Promise<void> {
    const { run_id } = this.#cursor!
    const nan = new Map(Object.entries(this.#cursor!.nan))
    const fresh = this.#fresh(events)
    const metrics = fresh.flatMap((event) => {
      const figures = figuresOf(event)
      return figures ? metricsOf(figures, this.#options.nan, nan) : []
    })
    const missing = this.#cursor!.sending ? await this.#missing(metrics) : metrics
    if (missing.length > 0) await this.#save({ sending: true })
    for (const batch of batches(missing, MAX.metrics)) await this.#rest.logBatch(run_id, { metrics: batch })
    for (const event of events) await this.#tell(event)
    const end = fresh.findLast(({ type }) => type === 'end')
    if (end?.type === 'end') await this.#finish(end)
    await this.#save({ ...seen(this.#cursor!, fresh), nan: Object.fromEntries(nan), sending: false })
  }

  /** What a resumed run says a second time is left out. */
  #fresh(events: readonly RunEvent[]): RunEvent[] {
    const { step, evals } = this.#cursor!
    return events.filter((event) => {
      if (event.type === 'step') return event.step > step
      return event.type !== 'eval' || event.step > (evals[event.name] ?? -1)
    })
  }

  /** Those of a batch that broke off which did not arrive. */
  async #missing(metrics: readonly Metric[]): Promise<readonly Metric[]> {
    const { run_id } = this.#cursor!
    const there = new Set<string>()
    const place = ({ key, step, timestamp }: Metric): string => `${key} ${step} ${timestamp}`
    for (const key of new Set(metrics.map((metric) => metric.key))) {
      for (const metric of await this.#rest.history(run_id, key)) there.add(place({ ...metric, key }))
    }
    return metrics.filter((metric) => !there.has(place(metric)))
  }

  /** What is no metric. */
  async #tell(event: RunEvent): Promise<void> {
    const { run_id } = this.#cursor!
    if (event.type === 'start') await this.#params(paramsOf(event.recipe))
    else if (event.type === 'resume') {
      await this.#params(paramsOf(event.recipe))
      await this.#rest.updateRun(run_id, 'RUNNING')
    } else if (event.type === 'checkpoint') {
      await this.#rest.setTag(run_id, 'medtune.checkpoint', String(event.step))
    } else if (event.type === 'warning') {
      await this.#rest.setTag(run_id, `medtune.warning.${event.code}`, cut(event.message, MAX.tag))
    }
  }

  /** Parameters are written once: one that changed, after a resume, becomes a tag. */
  async #params(params: readonly KeyValue[]): Promise<void> {
    const { run_id } = this.#cursor!
    for (const batch of batches(params, MAX.params)) {
      try {
        await this.#rest.logBatch(run_id, { params: batch })
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 400) throw error
        for (const param of batch) await this.#param(param)
      }
    }
  }

  async #param(param: KeyValue): Promise<void> {
    const { run_id } = this.#cursor!
    try {
      await this.#rest.logBatch(run_id, { params: [param] })
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 400) throw error
      await this.#rest.setTag(
        run_id,
        `medtune.changed.${param.key}`.slice(0, MAX.key),
        cut(param.value, MAX.tag),
      )
    }
  }

  async #finish(end: RunEnd): Promise<void> {
    const { run_id } = this.#cursor!
    if (end.reason !== undefined) await this.#rest.setTag(run_id, 'medtune.reason', cut(end.reason, MAX.tag))
    await this.#uploads()
    const time = Date.parse(end.time)
    await this.#rest.updateRun(run_id, RUN_STATUS[end.status], time)
    const { parent } = this.#cursor!
    if (!this.#sweep || parent?.from !== 'sweep') return
    const id = await this.#sweep.leave(run_id, parent.id, time)
    await this.#save({ parent: { id, from: 'sweep' } })
  }

  /** Only a server that keeps artifacts itself can be given them; another kind of store needs credentials of its own. */
  async #uploads(): Promise<void> {
    const { artifacts, run_id } = this.#cursor!
    const kind = this.#options.artifacts
    if (kind === 'none') return
    if (!artifacts.startsWith('mlflow-artifacts:')) {
      await this.#rest.setTag(run_id, 'medtune.folder', this.#folder)
      return
    }
    for (const name of kind === 'adapter' ? [...RECORDS, ...ADAPTER] : RECORDS) {
      const file = join(this.#folder, name)
      if (await isFile(file)) await this.#rest.upload(artifacts, name, file)
    }
  }

  async #save(change: Partial<Cursor>): Promise<void> {
    this.#cursor = { ...this.#cursor!, ...change }
    await writeCursor(this.#folder, this.#cursor)
  }
}

/** The furthest step and evaluations, once these events are sent. */
function seen({ step, evals }: Cursor, events: readonly RunEvent[]): Pick<Cursor, 'step' | 'evals'> {
  let last = step
  const scored = { ...evals }
  for (const event of events) {
    if (event.type === 'step') last = Math.max(last, event.step)
    else if (event.type === 'eval') scored[event.name] = Math.max(scored[event.name] ?? -1, event.step)
  }
  return { step: last, evals: scored }
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  )
}
