/** @file Keeps the record of a run: makes its folder, opens its event stream and writes down how it ended. */
import { writeFile } from 'node:fs/promises'
import type { StageContext } from '../plugin/contract.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { basesOf } from '../recipe/recorded.ts'
import { EventLog } from '../track/events.ts'
import { gitState, hardware } from '../track/hardware.ts'
import { RunFolder } from '../track/run-folder.ts'
import { packageVersion } from '../util/package.ts'
import { Stopped } from '../util/stopped.ts'
import type { RunOptions } from './options.ts'
import { pluginsOf, softwareOf } from './provenance.ts'
import type { RunStages } from './stages.ts'

export interface RunLog {
  readonly folder: RunFolder
  readonly events: EventLog
  readonly started: Date
}

/** Warnings of the time before a run has a folder; handed on once it has. */
export class Warnings {
  readonly list: { code: string; message: string }[] = []
  private events: EventLog | undefined
  readonly warn: StageContext['warn'] = (code, message) => {
    this.list.push({ code, message })
    this.events?.emit({ type: 'warning', code, message })
  }

  sendTo(events: EventLog): void {
    this.events = events
    for (const { code, message } of this.list) events.emit({ type: 'warning', code, message })
  }
}

/** Runs `body` inside a new run folder. However it ends, the folder says so; its error is thrown on. */
export async function recordRun<T>(
  resolved: ResolvedRecipe,
  stages: RunStages,
  warnings: Warnings,
  options: RunOptions,
  body: (log: RunLog) => Promise<T>,
): Promise<T> {
  const log = await openLog(resolved, stages, options)
  warnings.sendTo(log.events)
  try {
    const result = await body(log)
    await finish(log, 'done')
    return result
  } catch (error) {
    const status = error instanceof Stopped ? 'stopped' : 'failed'
    // The first error is the one to report, even where a full disk stops its record too.
    await finish(log, status, error).catch(() => undefined)
    throw error
  }
}

async function openLog(resolved: ResolvedRecipe, stages: RunStages, options: RunOptions): Promise<RunLog> {
  const { recipe, hash, source } = resolved
  const machine = hardware()
  const git = await gitState(process.cwd())
  const folder = await RunFolder.create(options.runsDir ?? 'runs', {
    name: recipe.name,
    hash,
    medtune: packageVersion(),
    ...(git ? { git } : {}),
    hardware: machine,
    ...(await softwareOf(resolved, stages)),
    ...(options.repeats ? { from: options.repeats.folder } : {}),
  })
  await folder.writeText('recipe.yaml', source)
  await folder.writeJson('resolved.json', describeRecipe(resolved))
  options.onFolder?.(folder.path)
  const listeners = options.onEvent ? [options.onEvent] : []
  const events = new EventLog(folder.file('events.jsonl'), stages.trackers, listeners)
  events.emit({ type: 'start', recipe: { ...recipe }, hardware: machine })
  for (const message of options.repeats?.notes ?? [])
    events.emit({ type: 'warning', code: 'repeat', message })
  return { folder, events, started: new Date() }
}

async function finish({ folder, events }: RunLog, status: 'done' | 'failed' | 'stopped', error?: unknown) {
  const reason = error === undefined ? undefined : error instanceof Error ? error.message : String(error)
  if (status === 'failed' && error instanceof Error) {
    await writeFile(folder.file('logs', 'error.txt'), `${error.stack ?? error.message}\n`)
  }
  await events.close({ type: 'end', status, ...(reason ? { reason } : {}) })
  await folder.finish(status, reason)
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
