/** @file Sends a run that is over, or goes on elsewhere, to a tracker: what the tracker missed, or all of it. */
import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { RunEvent, StageContext, Tracker } from './plugin/index.ts'
import { completeOptions } from './recipe/check.ts'
import { loadRecorded } from './recipe/recorded.ts'
import { eventOf } from './track/event-of.ts'
import { readLines } from './track/read/lines.ts'
import { InputError } from './util/errors.ts'

export interface Synced {
  /** The run's folder. */
  readonly folder: string
  /** Events of the run. */
  readonly events: number
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
  try {
    await tracker.open?.(folder)
    for (const event of events) await tracker.record(event)
    await tracker.close?.()
  } catch (error) {
    throw new InputError(`tracker ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return { folder, events: events.length }
}

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
