/** @file `medtune run`: the run itself, its state on stderr, its result on stdout. */
import { relative } from 'node:path'
import { loadRecipe, type ResolvedRecipe } from '../recipe/recipe.ts'
import type { Repeat } from '../run/repeat.ts'
import type { Report } from '../run/report.ts'
import { stringify } from '../track/json.ts'
import { Stopped } from '../util/stopped.ts'
import { colorsFor } from './colors.ts'
import { tellFailure, UsageError } from './failure.ts'
import { openStatus, type Status, silent } from './status.ts'

export interface RunFlags {
  readonly runsDir: string
  /** Folder of a run to repeat, instead of a recipe. */
  readonly from?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

const FAILED = 1
const INTERRUPTED = 130

/**
 * Exit code: 0, 130 where a signal stopped the run, 1 where it failed once it had a folder; else see `exitCode`.
 * @param words the recipe and the overrides; with `from` only overrides
 */
export async function run(words: readonly string[], flags: RunFlags): Promise<number> {
  const repeat = await openRepeat(words, flags)
  const resolved = repeat?.resolved ?? (await loadTarget(words))
  const status = flags.quiet ? silent : openStatus(resolved.recipe.name)
  let folder: string | undefined
  const signals = listen(status, flags, () => folder !== undefined)
  try {
    const report = await start({ resolved, repeat }, flags, status, signals.signal, (path) => {
      folder = path
    })
    status.close()
    await show(report, flags.json ?? false)
    if (repeat && !flags.quiet) process.stderr.write(await tellRepeat(repeat, report))
    return 0
  } catch (error) {
    status.close()
    const where = folder === undefined ? '' : `run folder: ${relative(process.cwd(), folder)}\n`
    if (!flags.quiet) process.stderr.write(where)
    if (error instanceof Stopped) return stopped(error, flags)
    if (folder === undefined || (error as Error).name !== 'InputError') throw error
    // What an input breaks halfway is a failed run, not one that was refused.
    await tellFailure(error, flags.json ?? false)
    return FAILED
  } finally {
    signals.close()
  }
}

async function loadTarget([target, ...overrides]: readonly string[]): Promise<ResolvedRecipe> {
  if (target !== undefined) return loadRecipe(target, overrides)
  throw new UsageError('name a recipe, or a run to repeat with --from: medtune run quickstart')
}

async function openRepeat(
  overrides: readonly string[],
  { from, quiet }: RunFlags,
): Promise<Repeat | undefined> {
  if (from === undefined) return undefined
  const { openRepeat } = await import('../run/repeat.ts')
  const repeat = await openRepeat(from, overrides)
  if (!quiet) for (const note of repeat.notes) process.stderr.write(`not as in ${from}: ${note}\n`)
  return repeat
}

/** Whether the same came out. */
async function tellRepeat({ folder }: Repeat, report: Report): Promise<string> {
  const { compareSteps } = await import('../run/repeat.ts')
  const { steps, identical, first } = await compareSteps(folder, report.folder)
  const name = relative(process.cwd(), folder)
  if (identical) return `as in ${name}: the same losses and gradients at all ${steps} steps, bit for bit\n`
  return `not as in ${name}: the losses differ from step ${first} on\n`
}

async function start(
  { resolved, repeat }: { readonly resolved: ResolvedRecipe; readonly repeat: Repeat | undefined },
  { runsDir }: RunFlags,
  status: Status,
  signal: AbortSignal,
  onFolder: (path: string) => void,
): Promise<Report> {
  const engine = await import('../run.ts')
  return engine.run(resolved, {
    runsDir,
    signal,
    ...(repeat ? { repeats: { folder: repeat.folder, notes: repeat.notes } } : {}),
    onFolder,
    onEvent: (event) => status.onEvent(event),
    onProgress: (progress) => status.onProgress(progress),
  })
}

async function show(report: Report, json: boolean): Promise<void> {
  if (json) {
    process.stdout.write(`${stringify(report, 2)}\n`)
    return
  }
  const { summarise } = await import('./summary.ts')
  process.stdout.write(summarise(report, colorsFor(process.stdout).bold))
}

function stopped({ message }: Stopped, { json, quiet }: RunFlags): number {
  if (json) process.stdout.write(`${stringify({ ok: false, status: 'stopped', error: message }, 2)}\n`)
  else if (!quiet) process.stderr.write(`stopped: ${message}\n`)
  return INTERRUPTED
}

/**
 * The first signal stops the run between two batches, the second ends the process at once; so does the first
 * one before the run has a folder, when nothing can be lost yet.
 */
function listen(
  status: Status,
  flags: RunFlags,
  begun: () => boolean,
): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    if (!begun()) {
      status.close()
      process.exit(stopped(new Stopped(name), flags))
    }
    status.say(`${name}: stopping after this batch; once more ends at once`)
    controller.abort(new Stopped(name))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: controller.signal,
    close() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
