/** @file Slurm's own commands, and what they say. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { EnvironmentError } from '../../util/errors.ts'

export type SlurmState = 'pending' | 'running' | 'ending'

export interface SlurmLimits {
  /** Largest number of tasks of one array. */
  readonly array: number
}

/** A limit of the site on jobs that wait; the job can be submitted later. */
export class SlurmBusyError extends Error {
  override readonly name = 'SlurmBusyError'
}

/** @throws EnvironmentError where Slurm is not installed or does not answer */
export async function slurmLimits(): Promise<SlurmLimits> {
  const config = await slurm('scontrol', ['show', 'config'])
  return { array: Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(config)?.[1] ?? 1001) }
}

/** Submits an array of so many tasks; returns the id of the job. */
export async function sbatch(args: readonly string[], script: string): Promise<string> {
  const text = await slurm('sbatch', ['--parsable', ...args], script)
  const id = /^(\d+)/.exec(text.trim())?.[1]
  if (!id) throw new EnvironmentError(`sbatch gave no job number: ${text.trim()}`)
  return id
}

/** Tasks of a name that Slurm still knows of: `<array>_<task>` -> state. */
export async function squeue(name: string): Promise<ReadonlyMap<string, SlurmState>> {
  const text = await slurm('squeue', ['--noheader', '--array', `--name=${name}`, '--format=%i|%T'])
  return new Map(
    text
      .split('\n')
      .filter((line) => line.includes('|'))
      .map((line) => {
        const [id, state] = line.trim().split('|') as [string, string]
        return [id, stateOf(state)] as const
      }),
  )
}

export async function scancel(args: readonly string[]): Promise<void> {
  await slurm('scancel', args)
}

/** What is suspended holds its place and goes on; what was requeued waits like something new. */
function stateOf(state: string): SlurmState {
  if (state === 'RUNNING' || state === 'SUSPENDED' || state === 'STOPPED') return 'running'
  return state === 'PENDING' ||
    state === 'CONFIGURING' ||
    state.startsWith('REQUEUE') ||
    state === 'SPECIAL_EXIT'
    ? 'pending'
    : 'ending'
}

const BUSY =
  /MaxSubmit|MaxJobs|QOSMax|AssocMax|AssocGrp|QOSGrp|temporarily|Resource temporarily unavailable|job limit/i

async function slurm(command: string, args: readonly string[], input?: string): Promise<string> {
  const running = promisify(execFile)(command, args, { timeout: 60_000, maxBuffer: 1 << 26 })
  if (input !== undefined) running.child.stdin?.end(input)
  try {
    return (await running).stdout
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { readonly stderr?: string }
    if (code === 'ENOENT')
      throw new EnvironmentError(
        `${command} is not installed here: start the sweep on a login node of the cluster`,
      )
    const told = (stderr || message).trim()
    if (BUSY.test(told)) throw new SlurmBusyError(told)
    throw new EnvironmentError(`${command}: ${told}`)
  }
}
