/**
 * @file The run that stands for a sweep on an MLflow server, parent of the runs of its trials. Trials make it
 * themselves, wherever they run: the first finds none and creates it. Two that start at once may create two; then
 * all take the one with the least id, children of the other are moved, and the other is deleted. Whoever comes
 * last, at its end at the latest, sees all of them, so one parent remains.
 */
import { open, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { paramsOf } from './entities.ts'
import { batches, cut, MAX } from './limits.ts'
import { type FoundRun, type KeyValue, type MlflowRest, Refused } from './rest.ts'

/** Marks the run of a sweep; its trials have the tag too, with `medtune.trial` beside it. */
const SWEEP = 'medtune.sweep'
const TRIAL = 'medtune.trial'
const ROLE = 'medtune.role'
const PARENT = 'mlflow.parentRunId'
/** Statuses of a server that has no such call. */
const NO_SUCH_CALL = new Set([404, 405, 501])

interface Trial {
  /** Id of the sweep. */
  readonly id: string
  readonly trial: string
}

/**
 * @param experiment its name @param folder a run's folder @param began when that run began, in milliseconds
 * @returns null for a run that is no trial of a sweep
 */
export async function openSweepRun(
  rest: MlflowRest,
  experiment: string,
  folder: string,
  began: number,
): Promise<SweepRun | null> {
  const { sweep } = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as { sweep?: Trial }
  if (!sweep || !/^[\w-]+$/.test(sweep.id)) return null
  return new SweepRun(rest, await rest.experiment(experiment), sweep, { folder, began })
}

/** What a sweep's journal says of it in its first line. */
interface Header {
  readonly id: string
  readonly name: string
  readonly time: string
  readonly spec: Readonly<Record<string, unknown>>
  readonly metric: { readonly name: string; readonly goal: string }
  /** Its folder's name. */
  readonly folder: string
}

export class SweepRun {
  readonly #rest: MlflowRest
  readonly #experiment: string
  readonly #trial: Trial
  readonly #run: { readonly folder: string; readonly began: number }

  constructor(
    rest: MlflowRest,
    experiment: string,
    trial: Trial,
    run: { readonly folder: string; readonly began: number },
  ) {
    this.#rest = rest
    this.#experiment = experiment
    this.#trial = trial
    this.#run = run
  }

  /**
   * Puts a trial's run below the sweep's, which is made where there is none, and which runs from now on.
   * @param run id of the trial's run
   * @returns the id of the sweep's run; undefined where the server cannot search
   */
  async join(run: string): Promise<string | undefined> {
    try {
      const parent = await this.#parent()
      await this.#adopt(run, parent.id)
      if (parent.status !== 'RUNNING') await this.#rest.updateRun(parent.id, 'RUNNING')
      return parent.id
    } catch (error) {
      if (error instanceof Refused && isNoCall(error)) return undefined
      throw error
    }
  }

  /** After a trial's end at `time`: the sweep's run ends with the last trial that runs. Returns its id. */
  async leave(run: string, known: string, time: number): Promise<string> {
    const { id } = await this.#parent()
    if (id !== known) await this.#adopt(run, id)
    const trials = await this.#children(id)
    const runs = trials.some((trial) => trial.status === 'RUNNING' && !isSuperseded(trial, trials))
    if (!runs)
      await this.#rest.updateRun(id, outcome(trials), Math.max(time, ...trials.map(({ end }) => end)))
    return id
  }

  #adopt(run: string, parent: string): Promise<void> {
    const { id, trial } = this.#trial
    const tags = { [SWEEP]: id, [TRIAL]: trial, [PARENT]: parent }
    return this.#rest.logBatch(run, {
      tags: Object.entries(tags).map(([key, value]) => ({ key, value: cut(value, MAX.tag) })),
    })
  }

  /** The sweep's run, made where there is none. */
  async #parent(): Promise<FoundRun> {
    const found = await this.#find()
    if (found) return found
    await this.#create()
    const made = await this.#find()
    if (!made) throw new Error('the server does not find the run of the sweep that it has just made')
    return made
  }

  /** The sweep's run; of several the others are dissolved. */
  async #find(): Promise<FoundRun | undefined> {
    const found = await this.#search(`tags.\`${SWEEP}\` = '${this.#trial.id}' and tags.\`${ROLE}\` = 'sweep'`)
    const [parent, ...others] = found.sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const other of others) {
      for (const { id } of await this.#children(other.id)) await this.#rest.setTag(id, PARENT, parent!.id)
      await this.#rest.deleteRun(other.id)
    }
    if (parent && !parent.params.has('metric.name')) await this.#describe(parent.id)
    return parent
  }

  #children(parent: string): Promise<FoundRun[]> {
    return this.#search(`tags.\`${PARENT}\` = '${parent}'`)
  }

  #search(filter: string): Promise<FoundRun[]> {
    return this.#rest.search(this.#experiment, filter)
  }

  async #create(): Promise<void> {
    const { id } = this.#trial
    const header = await readHeader(this.#run.folder, id)
    await this.#rest.createRun({
      experiment_id: this.#experiment,
      run_name: header?.folder ?? `sweep-${id}`,
      start_time: header ? Date.parse(header.time) : this.#run.began,
      tags: [
        { key: SWEEP, value: id },
        { key: ROLE, value: 'sweep' },
        { key: 'mlflow.source.name', value: 'medtune' },
      ],
    })
  }

  /** A trial that sees the sweep's folder says what the sweep is; one on another machine may have made the run. */
  async #describe(parent: string): Promise<void> {
    const header = await readHeader(this.#run.folder, this.#trial.id)
    if (!header) return
    const params: KeyValue[] = paramsOf(header.spec)
    for (const batch of batches(params, MAX.params)) await this.#rest.logBatch(parent, { params: batch })
    const { name, goal } = header.metric
    const note = `A sweep of medtune: ${header.name}. Trials are chosen by ${name} (${goal}).`
    await this.#rest.setTag(parent, 'mlflow.note.content', cut(note, MAX.tag))
    await this.#rest.rename(parent, header.folder)
  }
}

/** Whether the server says that there is no such call, rather than no such run. */
function isNoCall({ status, code }: Refused): boolean {
  return NO_SUCH_CALL.has(status) && code !== 'RESOURCE_DOES_NOT_EXIST'
}

/** An attempt that lost its worker still runs as far as the server knows; another has taken its place. */
function isSuperseded(run: FoundRun, runs: readonly FoundRun[]): boolean {
  const trial = run.tags.get(TRIAL)
  return runs.some((other) => other.tags.get(TRIAL) === trial && other.start > run.start)
}

function outcome(trials: readonly FoundRun[]): 'FINISHED' | 'KILLED' | 'FAILED' {
  const any = (status: string): boolean => trials.some((trial) => trial.status === status)
  if (any('FINISHED')) return 'FINISHED'
  return any('KILLED') ? 'KILLED' : 'FAILED'
}

/** Run folders of trials lie in `runs` of the sweep's. Undefined where this one does not, as on a queue's worker. */
async function readHeader(run: string, id: string): Promise<Header | undefined> {
  const folder = dirname(dirname(run))
  try {
    const handle = await open(join(folder, 'sweep.jsonl'))
    try {
      for await (const line of handle.readLines()) {
        const header = JSON.parse(line) as Header
        return header.id === id ? { ...header, folder: basename(folder) } : undefined
      }
    } finally {
      await handle.close()
    }
  } catch {
    // Not there, or not to be read.
  }
  return undefined
}
