/** @file `medtune run`: a recipe, or an earlier run once more. */
import { relative } from 'node:path'
import { loadRecipe, type ResolvedRecipe } from '../recipe/recipe.ts'
import type { Repeat } from '../run/repeat.ts'
import type { Report } from '../run/report.ts'
import { attend } from './attend.ts'
import { UsageError } from './failure.ts'
import { namedRun } from './named-run.ts'
import { refuseSweep } from './refuse-sweep.ts'

export interface RunFlags {
  readonly runsDir: string
  /** A run to repeat, instead of a recipe. */
  readonly from?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** @param words the recipe and the overrides; with `from` only overrides */
export async function run(words: readonly string[], flags: RunFlags): Promise<number> {
  const repeat = await openRepeat(words, flags)
  const resolved = repeat?.resolved ?? (await loadTarget(words))
  return attend(
    resolved.recipe.name,
    flags,
    async (listeners) => {
      const engine = await import('../run.ts')
      return engine.run(resolved, {
        runsDir: flags.runsDir,
        ...listeners,
        ...(repeat ? { repeats: repeat } : {}),
      })
    },
    async (report) => (repeat ? tellRepeat(repeat, report) : ''),
  )
}

async function loadTarget([target, ...overrides]: readonly string[]): Promise<ResolvedRecipe> {
  if (target !== undefined) {
    refuseSweep(target)
    return loadRecipe(target, overrides)
  }
  throw new UsageError('name a recipe, or a run to repeat with --from: medtune run quickstart')
}

async function openRepeat(
  overrides: readonly string[],
  { from, quiet, runsDir }: RunFlags,
): Promise<Repeat | undefined> {
  if (from === undefined) return undefined
  const { openRepeat } = await import('../run/repeat.ts')
  const repeat = await openRepeat(await namedRun(from, runsDir), overrides)
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
