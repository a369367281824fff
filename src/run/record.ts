/** @file Keeps the record of a run: makes its folder, opens its event stream and writes down how it ended. */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { ExecutorError } from '../compute/index.ts'
import type { StageContext } from '../plugin/contract.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { basesOf } from '../recipe/recorded.ts'
import { EventLog } from '../track/events.ts'
import { gitState, hardware } from '../track/hardware.ts'
import { type KeptEvents, NOTHING_KEPT, supersede } from '../track/kept-events.ts'
import { OwnerLostError, RunFolder } from '../track/run-folder.ts'
import { recordSystem } from '../track/system.ts'
import { packageVersion } from '../util/package.ts'
import { Stopped } from '../util/stopped.ts'
import type { RunOptions } from './options.ts'
import { pluginsOf, softwareOf } from './provenance.ts'
import type { Resume } from './resume.ts'
import type { RunStages } from './stages.ts'

export interface RunLog {
  readonly folder: RunFolder
  readonly events: EventLog
  /** What the run had come to before, where it goes on. */
  readonly kept: KeptEvents
  readonly resume: Resume | undefined
  /** Seconds that the run has worked, over all its processes. */
  seconds(): number
  /** Tells and records something the user should know. */
  readonly warn: StageContext['warn']
}

/** Warnings of the time before a run has a folder; handed on once it has. */
export class Warnings {
  readonly list: { code: string; message: string }[] = []
  private events: EventLog | undefined
  private known = new Set<string>()
  readonly warn: StageContext['warn'] = (code, message) => {
    if (this.known.has(`${code} ${message}`)) return
    this.list.push({ code, message })
    this.events?.emit({ type: 'warning', code, message })
  }

  /** @param kept warnings that the events hold already: they are not given again */
  sendTo(events: EventLog, kept: KeptEvents['warnings'] = []): void {
    this.events = events
    this.known = new Set(kept.map(({ code, message }) => `${code} ${message}`))
    const early = this.list.splice(0)
    this.list.push(...kept)
    for (const { code, message } of early) this.warn(code, message)
  }
}

/** Runs `body` inside a run folder, a new one or that of the run that goes on. However it ends, the folder says so; its error is thrown on. */
export async function recordRun<T>(
  resolved: ResolvedRecipe,
  stages: RunStages,
  warnings: Warnings,
  options: RunOptions,
  body: (log: RunLog) => Promise<T>,
): Promise<T> {
  const log = await openLog(resolved, stages, options, warnings.warn)
  warnings.sendTo(log.events, log.kept.warnings)
  for (const note of options.resume?.notes ?? []) warnings.warn('resume', note)
  // A full disk shows in the next step, which stops the run; this alone must not end the process.
  const quiet = recordSystem((event) => {
    try {
      log.events.emit(event)
    } catch {}
  })
  try {
    const result = await body(log)
    await finish(log, 'done')
    return result
  } catch (cause) {
    const error = withAdvice(cause)
    // What the run's new owner writes is not to be touched.
    if (error instanceof OwnerLostError) {
      log.folder.abandon()
      throw error
    }
    const status = error instanceof Stopped ? 'stopped' : 'failed'
    // The first error is the one to report, even where a full disk stops its record too.
    await finish(log, status, error).catch(() => undefined)
    throw error
  } finally {
    quiet()
  }
}

/** What to do about it, where the message alone does not say. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof ExecutorError) || error.kind !== 'out-of-memory') return error
  const advice =
    'Memory ran out: set train.memory to what there is, so that batches are cut to fit, or lower train.max_length. `medtune plan` tells what a recipe needs'
  return new ExecutorError(error.kind, `${error.message}. ${advice}`)
}

async function openLog(
  resolved: ResolvedRecipe,
  stages: RunStages,
  options: RunOptions,
  warn: StageContext['warn'],
): Promise<RunLog> {
  const folder = await (options.resume
    ? reopenFolder(options.resume, resolved)
    : makeFolder(resolved, stages, options))
  options.onFolder?.(folder.path)
  return folder.orFail(() => openEvents(folder, resolved, stages, options, warn))
}

async function openEvents(
  folder: RunFolder,
  resolved: ResolvedRecipe,
  stages: RunStages,
  options: RunOptions,
  warn: StageContext['warn'],
): Promise<RunLog> {
  const { resume } = options
  const kept = resume?.kept ?? NOTHING_KEPT
  const file = folder.file('events.jsonl')
  if (resume && existsSync(file)) supersede(file, kept.bytes, folder.file('logs', 'superseded.jsonl'))
  const listeners = options.onEvent ? [options.onEvent] : []
  const events = new EventLog(file, stages.trackers, listeners, kept.events)
  tellStart(events, resolved, options)
  const [began, before] = [performance.now(), resume?.checkpoint?.state.seconds ?? 0]
  const seconds = (): number => before + (performance.now() - began) / 1000
  return { folder, events, kept, resume, seconds, warn }
}

async function makeFolder(
  resolved: ResolvedRecipe,
  stages: RunStages,
  options: RunOptions,
): Promise<RunFolder> {
  const { recipe, hash, source } = resolved
  const git = await gitState(process.cwd())
  const folder = await RunFolder.create(options.runsDir ?? 'runs', {
    name: recipe.name,
    hash,
    medtune: packageVersion(),
    ...(git ? { git } : {}),
    hardware: hardware(),
    ...(await softwareOf(resolved, stages)),
    ...(options.repeats ? { from: options.repeats.folder } : {}),
    ...(options.sweep ? { sweep: options.sweep } : {}),
  })
  await folder.orFail(async () => {
    await folder.writeText('recipe.yaml', source)
    await folder.writeJson('resolved.json', describeRecipe(resolved))
  })
  return folder
}

async function reopenFolder(
  { folder: path, lock, record, checkpoint, overrides }: Resume,
  resolved: ResolvedRecipe,
): Promise<RunFolder> {
  const folder = await RunFolder.reopen(path, lock, record, {
    step: checkpoint?.step ?? 0,
    ...(checkpoint ? { checkpoint: `checkpoints/${basename(checkpoint.path)}` } : {}),
    ...(overrides.length > 0 ? { overrides } : {}),
  })
  if (overrides.length > 0)
    await folder.orFail(() => folder.writeJson('resolved.json', describeRecipe(resolved)))
  return folder
}

/** The first events of this process. */
function tellStart(events: EventLog, { recipe }: ResolvedRecipe, { resume, repeats }: RunOptions): void {
  const facts = { recipe: { ...recipe }, hardware: hardware() }
  // A run that ended before it had said anything begins here.
  if (!resume || resume.kept.events === 0) events.emit({ type: 'start', ...facts })
  for (const message of repeats?.notes ?? []) events.emit({ type: 'warning', code: 'repeat', message })
  if (!resume) return
  const { checkpoint } = resume
  // It stood behind the point that the checkpoint keeps, and is as true as before.
  if (checkpoint) {
    const { step, path } = checkpoint
    events.emit({ type: 'checkpoint', step, path: `checkpoints/${basename(path)}` })
  }
  events.emit({ type: 'resume', step: checkpoint?.step ?? 0, ...facts })
}

async function finish({ folder, events }: RunLog, status: 'done' | 'failed' | 'stopped', error?: unknown) {
  await folder.useSpare()
  const reason = error === undefined ? undefined : error instanceof Error ? error.message : String(error)
  if (status === 'failed' && error instanceof Error) {
    await folder.writeText('logs/error.txt', `${error.stack ?? error.message}\n`).catch(() => undefined)
  }
  // A disk that takes no event may still take the status, which says why.
  const closed = await events.close({ type: 'end', status, ...(reason ? { reason } : {}) }).then(
    () => undefined,
    (failure: unknown) => ({ failure }),
  )
  await folder.finish(closed && status === 'done' ? 'failed' : status, reason)
  if (closed) throw closed.failure
}

/** resolved.json: everything that decided the run; `loadRecorded` makes a recipe of it again. */
function describeRecipe(resolved: ResolvedRecipe): object {
  const { recipe, hash, file, dir, overrides } = resolved
  return {
    recipe,
    hash,
    file,
    dir,
    bases: basesOf(resolved),
    overrides,
    seed: recipe.seed,
    medtune: packageVersion(),
    node: process.version,
    plugins: pluginsOf(resolved),
  }
}
