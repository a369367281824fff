/** @file The trial's side of an attempt: says that it has it, gives signs of life, reports, and writes how it ended. */
import { readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { RunEvent } from '../plugin/contract.ts'
import { Stopped } from '../util/stopped.ts'
import {
  beat,
  type Claim,
  claim,
  readStop,
  report,
  type TrialResult,
  type TrialSheet,
  writeResult,
} from './board.ts'
import { Measures } from './measures.ts'

/** How often the coordinator's wishes are looked for. */
const LOOK_MS = 250

export interface TrialRun {
  readonly signal: AbortSignal
  readonly onFolder: (path: string) => void
  readonly onEvent: (event: RunEvent) => void
}

/** What a finished run gives: its report, as `report.json` has it. */
export type RunTrial = (run: TrialRun) => Promise<object>

/**
 * Runs an attempt that nobody else has begun; returns how it ended, undefined where it is not to be run.
 * SIGTERM, SIGINT and SIGUSR1 (a cluster's warning) stop it at its next step.
 */
export async function runAttempt(
  file: string,
  sheet: TrialSheet,
  place: Pick<Claim, 'place' | 'restarts'>,
  runTrial: RunTrial,
): Promise<TrialResult | undefined> {
  if (!claim(file, place)) return undefined
  const controller = new AbortController()
  const measures = new Measures(sheet)
  let folder: string | undefined
  let run: string | undefined
  let signs = 0
  const live = (): void =>
    beat(file, { sign: ++signs, step: measures.step, ...(run === undefined ? {} : { run }) })
  const look = (): void => {
    const wish = readStop(file)
    if (wish && !controller.signal.aborted) controller.abort(new Stopped(`the sweep asked it to ${wish}`))
  }
  const onSignal = (name: NodeJS.Signals): void => controller.abort(new Stopped(name))
  for (const name of SIGNALS) process.on(name, onSignal)
  const timers = [setInterval(live, 1000 * sheet.beat), setInterval(look, LOOK_MS)]
  live()
  const started = performance.now()
  const ended = (result: Pick<TrialResult, 'status' | 'reason'>): TrialResult => ({
    ...result,
    ...measures.result(),
    ...(run === undefined ? {} : { run }),
    seconds: (performance.now() - started) / 1000,
  })
  try {
    const outcome = await runTrial({
      signal: controller.signal,
      onFolder: (path) => {
        folder = path
        run = relative(resolve(sheet.runsDir, '..'), path)
        live()
      },
      onEvent: (event) => {
        const events =
          event.type === 'resume' && folder !== undefined ? readEvents(folder, event.step) : [event]
        for (const one of events) for (const fresh of measures.take(one)) report(file, fresh)
      },
    }).then(
      (finished) => {
        measures.takeReport(finished)
        return ended({ status: 'done' })
      },
      (error: unknown) => ended(failure(error)),
    )
    writeResult(file, outcome)
    return outcome
  } finally {
    for (const timer of timers) clearInterval(timer)
    for (const name of SIGNALS) process.off(name, onSignal)
  }
}

/** What a run that is gone on with had measured up to its checkpoint. */
function readEvents(folder: string, step: number): readonly RunEvent[] {
  return readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RunEvent)
    .filter((event) => 'step' in event && event.step <= step)
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGUSR1'] as const

function failure(error: unknown): Pick<TrialResult, 'status' | 'reason'> {
  if (error instanceof Stopped) return { status: 'stopped', reason: error.message }
  const reason = error instanceof Error ? error.message : String(error)
  return { status: 'failed', reason: reason.slice(0, 2000) }
}
