/** @file What `run` and `resume` share: the state on stderr, signals, the result on stdout, the exit code. */
import { relative } from 'node:path'
import type { RunOptions } from '../run/options.ts'
import type { Report } from '../run/report.ts'
import { stringify } from '../track/json.ts'
import { Stopped } from '../util/stopped.ts'
import { colorsFor } from './colors.ts'
import { tellBroken } from './failure.ts'
import { openStatus, type Status, silent } from './status.ts'

export interface AttendFlags {
  readonly json?: boolean
  readonly quiet?: boolean
}

/** What the work at hand takes of its listeners. */
export type Listeners = Required<Pick<RunOptions, 'signal' | 'onFolder' | 'onEvent' | 'onProgress'>>

const INTERRUPTED = 130

/**
 * Shows how a run goes and what it came to. Exit code: 0, 130 where a signal stopped it, 1 where it failed once it
 * had a folder; else what is thrown says, see `exitCode`.
 * @param after what there is to say once the report is shown
 */
export async function attend(
  name: string,
  flags: AttendFlags,
  work: (listeners: Listeners) => Promise<Report>,
  after: (report: Report) => Promise<string> = async () => '',
): Promise<number> {
  const status = flags.quiet ? silent : openStatus(name)
  let folder: string | undefined
  const signals = listen(status, flags, () => folder !== undefined)
  try {
    const report = await work({
      signal: signals.signal,
      onFolder: (path) => {
        folder = path
      },
      onEvent: (event) => status.onEvent(event),
      onProgress: (progress) => status.onProgress(progress),
    })
    status.close()
    await show(report, flags.json ?? false)
    if (!flags.quiet) process.stderr.write(await after(report))
    return 0
  } catch (error) {
    status.close()
    const where = folder === undefined ? '' : `run folder: ${relative(process.cwd(), folder)}\n`
    if (!flags.quiet) process.stderr.write(where)
    if (error instanceof Stopped) return stopped(error, flags, folder)
    if (folder === undefined) throw error
    return tellBroken(error, flags.json ?? false)
  } finally {
    signals.close()
  }
}

async function show(report: Report, json: boolean): Promise<void> {
  if (json) {
    process.stdout.write(`${stringify(report, 2)}\n`)
    return
  }
  const { summarise } = await import('./summary.ts')
  process.stdout.write(summarise(report, colorsFor(process.stdout).bold))
}

function stopped({ message }: Stopped, { json, quiet }: AttendFlags, folder?: string): number {
  if (json) {
    const body = { ok: false, status: 'stopped', error: message, ...(folder ? { folder } : {}) }
    process.stdout.write(`${stringify(body, 2)}\n`)
  } else if (!quiet) {
    const then = folder ? `; go on with: medtune resume ${relative(process.cwd(), folder)}` : ''
    process.stderr.write(`stopped: ${message}${then}\n`)
  }
  return INTERRUPTED
}

/** Asks for a checkpoint and an end: a user, a shutdown, and schedulers that warn before they take a machine away. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const

/**
 * The first signal stops the run between two batches and has it saved, the second ends the process at once; so does the first
 * one before the run has a folder, when nothing can be lost yet.
 */
function listen(
  status: Status,
  flags: AttendFlags,
  begun: () => boolean,
): { readonly signal: AbortSignal; close(): void } {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    if (!begun()) {
      status.close()
      process.exit(stopped(new Stopped(name), flags))
    }
    status.say(`${name}: saving and stopping after this batch; once more ends at once`)
    controller.abort(new Stopped(name))
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    close() {
      for (const name of SIGNALS) {
        process.off(name, onSignal)
        // The process of a stopped run is on its way out: a second signal that comes only now must not change its exit code.
        if (controller.signal.aborted) process.once(name, () => process.exit(INTERRUPTED))
      }
    },
  }
}
