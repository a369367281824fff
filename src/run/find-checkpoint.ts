/** @file The checkpoint that a run can go on from: the newest one of which every byte is as it was written. */
import { join } from 'node:path'
import { type CheckpointEntry, damageOf, listCheckpoints } from '../train/checkpoint.ts'
import { readState, type StoredState } from './checkpoint-state.ts'

export interface FoundCheckpoint extends CheckpointEntry {
  readonly state: StoredState
}

export interface CheckpointSearch {
  /** Undefined where there is none that can be used. */
  readonly found: FoundCheckpoint | undefined
  /** Those before it, newest first; they are looked at when they are needed. */
  readonly older: readonly CheckpointEntry[]
  /** Newer ones that cannot be used, and why. */
  readonly damaged: readonly { readonly path: string; readonly problem: string }[]
}

/** @param folder the run's folder */
export async function findCheckpoint(folder: string): Promise<CheckpointSearch> {
  const entries = await listCheckpoints(join(folder, 'checkpoints'))
  const damaged: { path: string; problem: string }[] = []
  for (const [i, entry] of entries.entries()) {
    const { path, step } = entry
    const state = await readSound(path)
    if (typeof state !== 'string' && state.train.step === step)
      return { found: { path, step, state }, older: entries.slice(i + 1), damaged }
    const problem = typeof state === 'string' ? state : `it is of step ${state.train.step}`
    damaged.push({ path, problem })
  }
  return { found: undefined, older: [], damaged }
}

async function readSound(path: string): Promise<StoredState | string> {
  const damage = await damageOf(path)
  if (damage !== undefined) return damage
  return readState(path).catch((error) => (error instanceof Error ? error.message : String(error)))
}
