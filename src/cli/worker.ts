/** @file `medtune worker`: runs the trials of a queue until it is told to stop. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { medtuneCommand } from './sweep/command.ts'

export interface WorkerFlags {
  readonly queue?: string
  readonly name: string
  readonly trials: number
  readonly folder?: string
  readonly ownDisk?: boolean
  readonly lease: number
  readonly quiet?: boolean
}

const INTERRUPTED = 130

/** Exit code 0 after a signal: stopping is how a worker ends. */
export async function worker(flags: WorkerFlags): Promise<number> {
  const { runWorker } = await import('../sweep/queue/worker.ts')
  const { queueUrl, withoutPassword } = await import('../sweep/queue/connect.ts')
  const say = (text: string): void => {
    if (!flags.quiet) process.stderr.write(`${text}\n`)
  }
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED)
    say(`${name}: stopping after the trials' next step; once more ends at once`)
    controller.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
  const url = queueUrl(flags.queue)
  const folder = flags.folder ?? (await mkdtemp(path.join(tmpdir(), 'medtune-worker-')))
  const { name, trials, lease, ownDisk = false } = flags
  const options = {
    url,
    name,
    trials,
    lease,
    ownDisk,
    folder: path.resolve(folder),
    medtune: medtuneCommand(),
    say,
  }
  const ready = (): void => say(`waits for trials of the queue "${name}" at ${withoutPassword(url)}`)
  await runWorker({ ...options, ready }, controller.signal)
  return 0
}
