/** @file Sends a run that is over, or goes on elsewhere, to a tracker: what the tracker missed, or all of it. */
import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { RunEvent, StageContext, Tracker } from './plugin/index.ts'
import { addThirdParty, builtIns } from './plugin/load.ts'
import { checkOptions, completeOptions } from './recipe/check.ts'
import { InputError, OptionError } from './util/errors.ts'

export interface Synced {
  /** The run's folder. */
  readonly folder: string
  /** Events of the run. */
  readonly events: number
}

interface ResolvedRecord {
  readonly recipe: {
    readonly seed: number
    readonly plugins: readonly string[]
    readonly trackers: readonly { readonly use: string }[]
  }
  readonly file: string
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
  const { recipe, file } = await readRecord(folder)
  const registry = await builtIns()
  for (const plugin of recipe.plugins) await addThirdParty(registry, plugin, dirname(file), checkOptions)
  const plugin = registry.get('tracker', name)
  const { use: _, ...written } = recipe.trackers.find(({ use }) => use === name) ?? { use: name }
  const context: StageContext = {
    recipeDir: dirname(file),
    resolvePath: (path) => (isAbsolute(path) ? path : resolve(dirname(file), path)),
    seed: recipe.seed,
    warn,
  }
  const tracker = (await plugin.create(
    completeOptions(plugin, { ...written, ...options }) as never,
    context,
  )) as Tracker
  const events = await readEvents(folder)
  try {
    await tracker.open?.(folder)
    for (const event of events) await tracker.record(event)
    await tracker.close?.()
  } catch (error) {
    if (error instanceof OptionError) throw error
    throw new InputError(`tracker ${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return { folder, events: events.length }
}

async function readRecord(folder: string): Promise<ResolvedRecord> {
  const file = join(folder, 'resolved.json')
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ResolvedRecord
  } catch (error) {
    throw new InputError(
      `${folder}: is not the folder of a run (${file}: ${(error as Error).message}); give one that medtune run printed`,
    )
  }
}

/** A last line that a crash tore is left out. */
async function readEvents(folder: string): Promise<RunEvent[]> {
  const text = await readFile(join(folder, 'events.jsonl'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${join(folder, 'events.jsonl')}: cannot be read (${error.code})`)
  })
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as RunEvent]
    } catch {
      return []
    }
  })
}
