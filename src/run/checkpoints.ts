/** @file When a run is saved, what a checkpoint holds, and which ones are kept. */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { AdapterPlan, Executor, Model } from '../plugin/contract.ts'
import type { CheckpointOptions, ResolvedRecipe } from '../recipe/recipe.ts'
import type { EventLog, EventPosition } from '../track/events.ts'
import {
  type CheckpointEntry,
  draftCheckpoint,
  isCheckpointName,
  placeCheckpoint,
} from '../train/checkpoint.ts'
import type { Keeper, TrainState } from '../train/state.ts'
import { loadTensors, saveTensors } from '../train/tensors.ts'
import { writeAtomically } from '../util/atomic.ts'
import { fsOps } from '../util/fs-ops.ts'
import { packageVersion } from '../util/package.ts'
import { formatState, type StoredState } from './checkpoint-state.ts'
import type { Engine } from './engine.ts'
import { watchFiles } from './model-watch.ts'
import type { RunLog } from './record.ts'

/** A checkpoint could not be written, or there is none where one is needed. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
}

export interface CheckpointContext {
  /** The run's folder. */
  readonly folder: string
  readonly options: CheckpointOptions
  readonly executor: Executor
  readonly adapter: AdapterPlan
  readonly events: EventLog
  /** Throws where what a checkpoint stands on is no longer so: the run has another owner, the model's file changed. */
  readonly check: () => Promise<void>
  /** Seconds that the run has worked. */
  readonly seconds: () => number
  /** Whether training may go back to a checkpoint. */
  readonly returns?: boolean
}

/** What is there already when a run goes on. */
export interface EarlierCheckpoints {
  /** Newest first; those that were found damaged are not among them. */
  readonly kept: readonly CheckpointEntry[]
  /** The state of the newest. */
  readonly state?: TrainState
  readonly best?: number
}

/** Where training stood, and the events with it. */
interface Point {
  readonly state: TrainState
  readonly events: EventPosition
}

export class Checkpoints implements Keeper {
  private readonly context: CheckpointContext
  /** Newest first. */
  private kept: CheckpointEntry[]
  private best: number | undefined
  private point: Point | undefined
  private saved: TrainState | undefined
  private savedAt = performance.now()
  private complained = false

  constructor(context: CheckpointContext, { kept, state, best }: EarlierCheckpoints = { kept: [] }) {
    this.context = context
    this.kept = [...kept]
    this.saved = state
    this.best = best
  }

  at(state: TrainState): void {
    this.point = { state, events: this.context.events.position() }
  }

  async between(state: TrainState, best: boolean): Promise<void> {
    this.at(state)
    const { keep } = this.context.options
    if (best || (keep > 0 && (state.ended || this.due(state.step)))) await this.save(best)
  }

  /** Saves where training stands, if that is not saved: between two micro-batches, the last step that was finished. */
  async interrupted(): Promise<void> {
    const { point } = this
    const anew = point !== undefined && point.state.step > 0 && point.state !== this.saved
    if (this.context.options.keep > 0 && anew) await this.save(false)
  }

  async rollBack(step: number): Promise<void> {
    const last = this.anchor()
    if (!last) {
      throw new CheckpointError(
        `step ${step}: there is no checkpoint to go back to; set checkpoint.every to a number of steps`,
      )
    }
    await loadTensors(last.path, this.context.executor)
  }

  /**
   * What training goes back to: the last checkpoint that its steps called for, not one that an interruption or the clock
   * did, so that a run that was interrupted goes back to the same.
   */
  private anchor(): CheckpointEntry | undefined {
    const { every } = this.context.options
    return this.kept.find(({ step }) => every !== undefined && step > 0 && step % every === 0)
  }

  /** Puts the best weights back, and tells their step; undefined where nothing was called the best. */
  async restoreBest(): Promise<number | undefined> {
    const best = this.kept.find(({ step }) => step === this.best)
    if (!best) return undefined
    await loadTensors(best.path, this.context.executor)
    return best.step
  }

  private due(step: number): boolean {
    const { every, minutes } = this.context.options
    const waited = (performance.now() - this.savedAt) / 60_000
    return (every !== undefined && step % every === 0) || (minutes > 0 && waited >= minutes)
  }

  private async save(best: boolean): Promise<void> {
    const { events, check, folder } = this.context
    const point = this.point!
    const { step } = point.state
    await check()
    if (best) this.best = step
    // What a checkpoint says of the events must be no more than the disk has.
    events.sync()
    const path = await this.write(point)
    this.kept.unshift({ path, step })
    this.saved = point.state
    this.savedAt = performance.now()
    events.emit({ type: 'checkpoint', step, path: `checkpoints/${basename(path)}` })
    await this.tidy(join(folder, 'checkpoints'))
  }

  private async write(point: Point): Promise<string> {
    const { step } = point.state
    try {
      return await placeCheckpoint(await this.draft(point), step)
    } catch (error) {
      throw this.failed(step, error)
    }
  }

  /** A second attempt makes every file anew: what could not be synced is never trusted. */
  private draft(point: Point): Promise<string> {
    const parent = join(this.context.folder, 'checkpoints')
    const attempt = () => draftCheckpoint(parent, point.state.step, (folder) => this.fill(folder, point))
    return attempt().catch(attempt)
  }

  private async fill(folder: string, { state, events }: Point): Promise<void> {
    const { executor, adapter, seconds } = this.context
    await saveTensors(folder, executor)
    const adapterFolder = join(folder, 'adapter')
    await fsOps().mkdir(adapterFolder)
    await adapter.write(adapterFolder, (name) => executor.read(name))
    const stored: StoredState = {
      train: state,
      events,
      seconds: seconds(),
      ...(this.best === undefined ? {} : { best: this.best }),
      medtune: packageVersion(),
    }
    const { file, text } = formatState(stored)
    await writeAtomically(join(folder, file), (draft) => draft.write(text))
  }

  /** Removes what is neither among the last nor the best. Called only when a newer one is durable. */
  private async tidy(parent: string): Promise<void> {
    const { options, events, returns } = this.context
    const best = this.kept.find(({ step }) => step === this.best)
    const anchor = returns ? this.anchor() : undefined
    this.kept = this.kept.filter((entry, i) => i < options.keep || entry === best || entry === anchor)
    const names = new Set(this.kept.map(({ path }) => basename(path)))
    try {
      for (const name of await readdir(parent)) {
        if (isCheckpointName(name) && !names.has(name)) await fsOps().remove(join(parent, name))
      }
    } catch (error) {
      if (this.complained) return
      this.complained = true
      const message = `an old checkpoint could not be removed: ${messageOf(error)}`
      events.emit({ type: 'warning', code: 'checkpoint', message })
    }
  }

  private failed(step: number, error: unknown): CheckpointError {
    const [last] = this.kept
    const good = last ? `; the last good one is of step ${last.step}` : '; there is none before it'
    const message = `the checkpoint of step ${step} could not be written: ${messageOf(error)}${good}. ${remedy(error)}`
    return Object.assign(new CheckpointError(message), { cause: error })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What to do about it, then how to go on. */
function remedy(error: unknown): string {
  const code = codeOf(error)
  const then = 'then go on with `medtune resume`'
  if (code === 'ENOSPC' || code === 'EDQUOT') return `Make room on that disk, ${then}.`
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return `Make that folder writable, ${then}.`
  if (code === 'EMFILE' || code === 'ENFILE') return `Allow more open files (ulimit -n), ${then}.`
  if (code === 'EIO') return `The disk reports errors: look at the system's log, ${then}.`
  return `See to it, ${then}.`
}

function codeOf(error: unknown): string | undefined {
  const { code, cause } = (error ?? {}) as NodeJS.ErrnoException
  return code ?? (cause === undefined ? undefined : codeOf(cause))
}

/** The checkpoints of a run, with those that it has already where it goes on. */
export async function openCheckpoints(
  { recipe }: ResolvedRecipe,
  { folder, events, seconds, resume }: RunLog,
  { executor }: Engine,
  adapter: AdapterPlan,
  model: Model,
  noted: Promise<void>,
): Promise<Checkpoints> {
  const watch = await watchFiles(model.weights.map(({ file }) => file))
  const check = async (): Promise<void> => {
    folder.checkOwner()
    await watch.check()
    // Without the hashes of what it stands on, a run could not be gone on with safely.
    await noted
  }
  const { path } = folder
  const returns = recipe.train.on_nonfinite === 'rollback'
  const context = {
    folder: path,
    options: recipe.checkpoint,
    executor,
    adapter,
    events,
    check,
    seconds,
    returns,
  }
  const found = resume?.checkpoint
  return new Checkpoints(context, {
    kept: found ? [found, ...resume.older] : [],
    ...(found ? { state: found.state.train } : {}),
    ...(found?.state.best === undefined ? {} : { best: found.state.best }),
  })
}
