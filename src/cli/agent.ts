/** @file `medtune agent`: takes trials of a sweep from its folder. Slurm starts it; nobody types it. */

import { hostname } from 'node:os'
import path from 'node:path'
import { runAgent } from '../sweep/agent.ts'

export interface AgentFlags {
  readonly trials?: number
  readonly idle: number
}

export async function agent(folder: string, { trials, idle }: AgentFlags): Promise<number> {
  const done = await runAgent(path.resolve(folder), {
    place: placeOf(process.env),
    idle,
    ...(trials === undefined ? {} : { trials }),
  })
  process.stdout.write(`${done} trials\n`)
  return 0
}

/** What Slurm calls the task; it stays the same where the scheduler starts it again. */
function placeOf({ SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID, SLURM_JOB_ID }: NodeJS.ProcessEnv): string {
  if (SLURM_ARRAY_JOB_ID !== undefined) return `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}`
  return SLURM_JOB_ID ?? `${hostname()}-${process.pid}`
}
