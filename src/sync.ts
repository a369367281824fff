/** @file Sends a run that is over, or goes on elsewhere, to a tracker: what the tracker missed, or all of it. */
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { RunEvent, StageContext, Tracker } from './plugin/index.ts'
import { completeOptions } from './recipe/check.ts'
import { loadRecorded } from './recipe/recorded.ts'
import { eventOf } from './track/event-of.ts'
import { readObject } from './track/read/files.ts'
import { findRuns } from './track/read/find.ts'
import { readLines } from './track/read/lines.ts'
import { heartbeatOf, standing } from './track/read/liveness.ts'
import { isSweepFolder } from './track/sweep-journal.ts'
import { InputError } from './util/errors.ts'

export interface Synced {
  /** The run's folder. */
  readonly folder: string
  /** Events of the run. */
  readonly events: number
}

/** Run folders of the trials of a sweep, oldest first; undefined for what is no folder of one. */
export async function runsOf(target: string): Promise<readonly string[] | undefined> {
  if (!isSweepFolder(target)) return undefined
  const ids = await findRuns(target)
  return [...ids].reverse().map((id) => join(target, ...id.split('/')))
}

/**
 * @param name a tracker plugin, built in or one that the run's recipe names
 * @param options laid over those of the recipe, where it uses the tracker
 * @throws InputError for a folder that is no run, or where the tracker fails; OptionError for options it refuses
 */
export async function syncRun(
  name: string,
  target: string,
  options: Readonly<Record<string, unknown>>,
  warn: StageContext['warn'],
): Promise<Synced> {
  const folder = resolve(target)
  const { recipe, registry, dir } = await loadRecorded(folder)
  const plugin = registry.get('tracker', name)
  const { use: _, ...written } = recipe.trackers.find(({ use }) => use === name) ?? { use: name }
  const complete = completeOptions(plugin, { ...written, ...options })
  const context: StageContext = {
    recipeDir: dir,
    resolvePath: (path) => resolve(dir, path),
    seed: recipe.seed,
    warn,
  }
  const tracker = (await plugin.create(complete as never, context)) as Tracker
  const events = await readEvents(join(folder, 'events.jsonl'))
  const end = await unwrittenEnd(folder, events)
  try {
    await tracker.open?.(folder)
    for (const event of end ? [...events, end] : events) await tracker.record(event)
    await tracker.close?.()
  } catch (error) {
    throw new InputError(`tracker ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return { folder, events: events.length }
}

const ENDS: ReadonlySet<string> = new Set(['done', 'failed', 'stopped'])

/** The end that a run came to without writing it: its process died, or could not write any more. */
async function unwrittenEnd(folder: string, events: readonly RunEvent[]): Promise<RunEvent | undefined> {
  const last = events.at(-1)
  if (!last || events.findLast(({ type }) => OPENS_OR_ENDS.has(type))?.type === 'end') return undefined
  const record = await readObject(folder, 'run.json')
  if (!record.ok) return undefined
  const heartbeat = heartbeatOf(record.value)
  const status = standing(heartbeat)
  const seen = Math.max(Date.parse(last.time), Date.parse(heartbeat.heartbeat ?? last.time))
  const time = Number.isFinite(seen) ? new Date(seen).toISOString() : last.time
  if (status === 'crashed') {
    return { type: 'end', time, status: 'failed', reason: 'the process died without a word' }
  }
  return ENDS.has(status) ? { type: 'end', time, status: status as 'done' | 'failed' | 'stopped' } : undefined
}

const OPENS_OR_ENDS: ReadonlySet<string> = new Set(['start', 'resume', 'end'])

/** A line that a crash tore is left out. */
async function readEvents(path: string): Promise<readonly RunEvent[]> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${error.code})`)
  })
  const events: RunEvent[] = []
  try {
    await readLines(file, 0, (line) => {
      const event = eventOf(line)
      if (event) events.push(event)
    })
  } finally {
    await file.close()
  }
  return events
}
