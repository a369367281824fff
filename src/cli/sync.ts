/** @file `medtune sync`: runs to a tracker that missed them. */
import { parse } from 'yaml'
import { OptionError } from '../util/errors.ts'
import { colorsFor } from './colors.ts'
import { UsageError } from './failure.ts'
import { namedRun } from './named-run.ts'

/** @param what runs, folders of sweeps, and options as `key=value` */
export async function sync(
  tracker: string,
  what: readonly string[],
  flags: { readonly runsDir: string; readonly json?: boolean },
): Promise<number> {
  const options = Object.fromEntries(what.flatMap((word) => option(word) ?? []))
  const words = what.filter((word) => option(word) === undefined)
  if (words.length === 0) throw new UsageError('name at least one run, or the folder of a sweep')
  const { runsOf, syncRun } = await import('../sync.ts')
  const folders: string[] = []
  for (const word of words) {
    const trials = await runsOf(word)
    if (trials?.length === 0) throw new UsageError(`${word}: no trial of this sweep has a run yet`)
    folders.push(...(trials ?? [await namedRun(word, flags.runsDir)]))
  }
  const colors = colorsFor(process.stderr)
  const warn = (_code: string, message: string): void => {
    process.stderr.write(`${colors.yellow('warning')}: ${message}\n`)
  }
  const synced = []
  for (const folder of folders) {
    const sent = await syncRun(tracker, folder, options, warn).catch((error: unknown) => {
      throw error instanceof OptionError
        ? new UsageError(`${tracker} ${error.path}: ${error.message}`)
        : error
    })
    synced.push(sent)
    if (!flags.json) process.stdout.write(`${folder}: ${sent.events} events are with ${tracker}\n`)
  }
  if (flags.json) process.stdout.write(`${JSON.stringify({ ok: true, tracker, runs: synced }, null, 2)}\n`)
  return 0
}

/** `key=value`, the value read as YAML; undefined for a folder. */
function option(word: string): [string, unknown][] | undefined {
  const match = /^([a-z_]+)=(.*)$/s.exec(word)
  return match ? [[match[1]!, parse(match[2]!)]] : undefined
}
