/** @file Whoever runs trials on a cluster: takes a job from the sweep's folder, runs it in a process of its own, takes the next. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { TrialJob } from '../plugin/contract.ts'
import { readResult } from './board.ts'
import { isGone, markGone, WorkQueue } from './work-queue.ts'

export interface AgentOptions {
  /** What the cluster calls it, such as a Slurm job; the same after a restart. */
  readonly place: string
  /** Trials after which it ends; as many as there are where left out. */
  readonly trials?: number
  /** Seconds without work after which it ends. */
  readonly idle: number
  /** Milliseconds between two looks for work. */
  readonly look?: number
}

const LOOK_MS = 500

/** Runs trials until there are none, or a signal asks it to end: its trial then stops at the next step. Returns how many it ran. */
export async function runAgent(folder: string, options: AgentOptions): Promise<number> {
  const queue = new WorkQueue(folder)
  let child: ChildProcess | undefined
  let stopped = false
  const onSignal = (): void => {
    stopped = true
    child?.kill('SIGTERM')
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  try {
    leaveBehind(queue, options.place)
    let done = 0
    let since = performance.now()
    while (!stopped && done < (options.trials ?? Number.POSITIVE_INFINITY)) {
      const job = queue.isOver() ? undefined : queue.take(options.place)
      if (job) {
        await run(job, options.place, (started) => {
          child = started
          if (stopped) started.kill('SIGTERM')
        })
        child = undefined
        done++
        since = performance.now()
      } else {
        if (queue.isOver() || performance.now() - since > 1000 * options.idle) break
        await new Promise((resolve) => setTimeout(resolve, options.look ?? LOOK_MS))
      }
    }
    return done
  } finally {
    for (const name of SIGNALS) process.off(name, onSignal)
  }
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGUSR1'] as const

/** What its former life had taken and not finished, before the cluster started it again, is somebody else's now. */
function leaveBehind(queue: WorkQueue, place: string): void {
  for (const { file } of queue.takenBy(place)) {
    if (!readResult(file) && !isGone(file)) markGone(file, 'its worker was started again')
  }
}

async function run(
  { command, file, log }: TrialJob,
  place: string,
  onStart: (child: ChildProcess) => void,
): Promise<void> {
  const [program, ...args] = command
  const handle = openSync(log, 'a')
  const ended = await new Promise<string>((resolve) => {
    const child = spawn(program!, args, {
      stdio: ['ignore', handle, handle],
      env: { ...process.env, MEDTUNE_PLACE: place },
    })
    child.once('spawn', () => onStart(child))
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  closeSync(handle)
  if (!readResult(file)) markGone(file, ended)
}
