/** @file `medtune sweep <file>` and `medtune sweep resume`: progress on stderr, what came of it on stdout. */
import { relative } from 'node:path'
import type { Space } from '../../plugin/contract.ts'
import { secondsOf } from '../../sweep/resolve.ts'
import { resumeSweep, type SessionOptions, type SessionResult, startSweep } from '../../sweep/session.ts'
import { loadSweep } from '../../sweep/sweep.ts'
import { stringify } from '../../track/json.ts'
import { readSweep } from '../../track/sweep-journal.ts'
import { countTrials, ranking } from '../../track/sweep-trials.ts'
import { Stopped } from '../../util/stopped.ts'
import { colorsFor } from '../colors.ts'
import { UsageError } from '../failure.ts'
import { namedSweep } from '../named-run.ts'
import { refuseRecipe } from '../refuse-sweep.ts'
import { medtuneCommand } from './command.ts'
import type { ResumeFlags, SweepFlags } from './program.ts'
import { Progress } from './progress.ts'
import { summarise } from './summary.ts'

const FAILED = 1
const SOME_FAILED = 4
const INTERRUPTED = 130

export async function start(file: string, overrides: string[], flags: SweepFlags): Promise<number> {
  refuseRecipe(file)
  const sweep = await loadSweep(file, overrides)
  const { validateFit } = await import('../../run/validate.ts')
  await validateFit(sweep.base)
  return session(flags, sweep.space, (options) => startSweep(sweep, flags.runsDir, options))
}

export async function resume(word: string, flags: ResumeFlags): Promise<number> {
  const { runCap: run_cap, workers } = flags
  const time_cap = flags.timeCap === undefined ? undefined : duration(flags.timeCap)
  const changes = Object.fromEntries(
    Object.entries({ run_cap, workers, time_cap }).filter(([, value]) => value !== undefined),
  )
  const folder = await namedSweep(word, flags.runsDir)
  const { space } = readSweep(folder).header
  return session(flags, space, (options) => resumeSweep(folder, changes, options))
}

function duration(text: string): number {
  if (/^[0-9]+(\.[0-9]+)?[smhd]?$/.test(text)) return secondsOf(/\d$/.test(text) ? Number(text) : text)!
  throw new UsageError(`--time-cap ${text}: give seconds, or 90m, 12h, 2d`)
}

/** Exit code: 0, 4 where some trials failed, 1 where none came to anything or the sweep gave up, 130 where it was stopped. */
async function session(
  flags: SweepFlags,
  space: Space,
  begin: (options: SessionOptions) => Promise<SessionResult>,
): Promise<number> {
  const progress = new Progress(flags.quiet === true, space)
  const signals = listen(progress)
  try {
    const result = await begin({
      medtune: medtuneCommand(),
      signal: signals.signal,
      say: (message) => progress.say(message),
      onFolder: (folder) => progress.say(`sweep folder: ${relative(process.cwd(), folder)}`),
      onEvent: (event, trials) => progress.onEvent(event, trials),
    })
    show(result, flags.json === true)
    return codeOf(result)
  } finally {
    signals.close()
  }
}

function codeOf({ status, trials }: SessionResult): number {
  const { done, pruned, failed } = countTrials(trials)
  if (status === 'stopped') return INTERRUPTED
  if (status === 'failed' || done + pruned === 0) return FAILED
  return failed > 0 ? SOME_FAILED : 0
}

function show(result: SessionResult, json: boolean): void {
  const { folder, header, status, reason, trials } = result
  const body = { ok: status === 'done', folder, id: header.id, name: header.name, status, reason }
  const counts = countTrials(trials)
  process.stdout.write(
    json
      ? `${stringify({ ...body, metric: header.metric, trials: counts, best: ranking(result)[0] ?? null }, 2)}\n`
      : summarise(result, colorsFor(process.stdout).bold),
  )
}

/** The first signal asks the trials to stop at their next step; the second leaves at once, and they stop by themselves. */
function listen(progress: Progress): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    progress.say(`${name}: stopping the trials; once more leaves them to it`)
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
