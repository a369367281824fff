/** @file One session of a sweep: a folder, its lock, an executor and a coordinator; begun anew or gone on with. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { StageContext } from '../plugin/contract.ts'
import { STAGES, type StageKind, type Stages } from '../plugin/index.ts'
import { addThirdParty, builtIns } from '../plugin/load.ts'
import { createStage, type Resolved } from '../recipe/create.ts'
import { RecipeError } from '../recipe/errors.ts'
import { loadRecipe } from '../recipe/recipe.ts'
import { makeRunFolder } from '../track/run-folder.ts'
import { RunLock } from '../track/run-lock.ts'
import {
  JOURNAL_VERSION,
  readSweep,
  type SweepEvent,
  type SweepHeader,
  type SweepState,
  type Trial,
} from '../track/sweep-journal.ts'
import { InputError } from '../util/errors.ts'
import { packageVersion } from '../util/package.ts'
import { SweepCard } from './card.ts'
import { Coordinator, type Limits, type Outcome } from './coordinator.ts'
import { Journal } from './journal.ts'
import { secondsOf } from './resolve.ts'
import { countCombinations } from './space.ts'
import type { ResolvedSweep, SweepSpec } from './sweep.ts'

export interface SessionOptions {
  /** Program and arguments before a command of medtune's. */
  readonly medtune: readonly string[]
  readonly signal?: AbortSignal
  /** Milliseconds between two looks at what runs. */
  readonly poll?: number
  readonly onFolder?: (folder: string) => void
  /** Hears what takes long. */
  readonly say?: (message: string) => void
  readonly onEvent?: (event: SweepEvent, trials: readonly Trial[]) => void
}

export interface SessionResult extends Outcome {
  readonly folder: string
  readonly header: SweepHeader
  readonly trials: readonly Trial[]
}

/** Limits that a resumed sweep may change. */
export interface Changes {
  readonly run_cap?: number
  /** Seconds, of the session that begins. */
  readonly time_cap?: number
  readonly workers?: number
}

const POLL_MS = 200

/** Begins a sweep in a new folder below `runsDir` and runs it to its end. */
export async function startSweep(
  sweep: ResolvedSweep,
  runsDir: string,
  options: SessionOptions,
): Promise<SessionResult> {
  const { spec, space, base, watch, file, source } = sweep
  const id = randomBytes(4).toString('hex')
  const folder = makeRunFolder(runsDir, spec.name, id, new Date().toISOString())
  const lock = await RunLock.take(folder, { what: 'sweep' })
  for (const part of ['trials', 'runs']) mkdirSync(path.join(folder, part))
  writeFileSync(path.join(folder, 'sweep.yaml'), source)
  options.onFolder?.(folder)
  const header: SweepHeader = {
    type: 'sweep',
    time: new Date().toISOString(),
    version: JOURNAL_VERSION,
    id,
    name: spec.name,
    file,
    recipe: { file: base.file, hash: base.hash },
    metric: spec.metric,
    watch,
    space,
    spec: { ...spec },
    medtune: packageVersion(),
  }
  const events: { on: (event: SweepEvent) => void } = { on: () => {} }
  const journal = Journal.create(folder, header, (event) => events.on(event))
  const seconds = sweep.seconds
  const limits = limitsOf(spec, { ...some('trials', sweep.trials), ...some('seconds', seconds) })
  return coordinate({ folder, lock, journal, limits, parts: sweep, spec, file }, events, options)
}

/**
 * Goes on with a sweep: trials that ran on are taken up, those that were lost are given away again.
 * @throws InputError where it is no sweep, somebody else has it, or its recipe is not what it was
 */
export async function resumeSweep(
  target: string,
  changes: Changes,
  options: SessionOptions,
): Promise<SessionResult> {
  const folder = path.resolve(target)
  readSweep(folder)
  const lock = await RunLock.take(folder, {
    what: 'sweep',
    pulse: () => pulseOf(folder),
    ...some('onWait', options.say),
  })
  try {
    // Read again: whoever held the lock before may have written until it died.
    const state = readSweep(folder)
    const { header } = state
    const spec = header.spec as unknown as SweepSpec
    await checkRecipe(header)
    const parts = await createParts(spec, header.file)
    options.onFolder?.(folder)
    const events: { on: (event: SweepEvent) => void } = { on: () => {} }
    const journal = Journal.resume(folder, state, (event) => events.on(event))
    journal.append({ type: 'resume', changes: { ...changes } })
    const limits = resumedLimits(spec, state, changes, parts.sampler)
    return await coordinate(
      { folder, lock, journal, limits, parts, spec, file: header.file },
      events,
      options,
    )
  } catch (error) {
    lock.release()
    throw error
  }
}

interface Session {
  readonly folder: string
  readonly lock: RunLock
  readonly journal: Journal
  readonly limits: Limits
  readonly parts: Pick<ResolvedSweep, 'sampler' | 'pruner' | 'executor'>
  readonly spec: SweepSpec
  readonly file: string
}

async function coordinate(
  { folder, lock, journal, limits, parts, spec, file }: Session,
  events: { on: (event: SweepEvent) => void },
  options: SessionOptions,
): Promise<SessionResult> {
  const card = new SweepCard(folder, journal.header, limits.trials, () => journal.list())
  events.on = (event) => {
    card.change()
    options.onEvent?.(event, journal.list())
  }
  const { sampler, pruner } = parts
  try {
    const { workers, lease } = limits
    const site = { sweep: journal.header.id, folder, workers, lease, adaptive: sampler.adaptive }
    const executor = await parts.executor.open({ ...site, medtune: options.medtune })
    const coordinator = new Coordinator({
      folder,
      journal,
      sampler,
      pruner,
      executor,
      limits,
      cwd: path.dirname(file),
      seed: spec.seed,
      medtune: options.medtune,
      poll: options.poll ?? POLL_MS,
      executorName: spec.executor.use,
      ...some('signal', options.signal),
    })
    const outcome = await coordinator.run().catch(async (error) => {
      await executor.close(false).catch(() => undefined)
      throw error
    })
    await card.close(outcome.status, outcome.reason)
    return { ...outcome, folder, header: journal.header, trials: journal.list() }
  } catch (error) {
    await card.close('failed', (error as Error).message).catch(() => undefined)
    throw error
  } finally {
    journal.close()
    lock.release()
  }
}

/** What changes while a coordinator lives. */
function pulseOf(folder: string): string {
  try {
    return readFileSync(path.join(folder, 'sweep.json'), 'utf8')
  } catch {
    return ''
  }
}

function limitsOf(spec: SweepSpec, more: Pick<Limits, 'trials' | 'seconds'>): Limits {
  const { workers, retries, lease, max_failures } = spec
  return { workers, retries, lease, ...some('maxFailures', max_failures), ...more }
}

function resumedLimits(
  spec: SweepSpec,
  { header, changes: earlier, spent }: SweepState,
  now: Changes,
  sampler: Stages['sampler'],
): Limits {
  const changes: Changes = { ...earlier, ...now }
  const cap = changes.run_cap ?? spec.run_cap
  const size = sampler.size?.(header.space) ?? countCombinations(header.space)
  const count = Math.min(size, cap ?? size)
  const trials = Number.isFinite(count) ? count : undefined
  const whole = secondsOf(spec.time_cap)
  const seconds = now.time_cap ?? (whole === undefined ? undefined : Math.max(0, whole - spent))
  const limits = limitsOf(spec, { ...some('trials', trials), ...some('seconds', seconds) })
  return { ...limits, workers: changes.workers ?? spec.workers }
}

/** @throws InputError where the recipe is not the one that the sweep began with */
async function checkRecipe({ recipe }: SweepHeader): Promise<void> {
  const { hash } = await loadRecipe(recipe.file)
  if (hash === recipe.hash) return
  throw new InputError(
    `${recipe.file} has changed since the sweep began (hash ${recipe.hash.slice(0, 8)}, now ${hash.slice(0, 8)}): its trials would not be comparable. Restore it, or begin a new sweep`,
  )
}

/** The plugins of a recorded sweep, with the options that it began with. */
async function createParts(spec: SweepSpec, file: string): Promise<Session['parts']> {
  const dir = path.dirname(file)
  const registry = await builtIns()
  for (const name of spec.plugins) await addThirdParty(registry, name, dir)
  const resolved: Resolved = {
    recipe: spec as unknown as Resolved['recipe'],
    registry,
    dir,
    baseDir: () => dir,
    error: (at, message) => new RecipeError([{ file, line: 1, col: 1, path: at, message }]),
  }
  const warn: StageContext['warn'] = () => {}
  const make = <K extends StageKind>(kind: K): Promise<Stages[K]> =>
    createStage(resolved, kind, STAGES[kind].key, warn)
  return { sampler: await make('sampler'), pruner: await make('pruner'), executor: await make('executor') }
}

/** `{ [key]: value }`, or nothing where there is none. */
function some<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}
