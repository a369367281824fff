/** @file state.json of a checkpoint: everything of a run that is neither a tensor nor an event. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EventPosition } from '../track/events.ts'
import { parseJson, stringify } from '../track/json.ts'
import type { TrainState } from '../train/state.ts'

export interface StoredState {
  readonly train: TrainState
  /** Where events.jsonl stood: what lies behind it is superseded by a run that goes on from here. */
  readonly events: EventPosition
  /** Seconds that the run had worked. */
  readonly seconds: number
  /** Step of the best weights so far, where something looks for them. */
  readonly best?: number
  readonly medtune: string
}

const FILE = 'state.json'

export function formatState(state: StoredState): { readonly file: string; readonly text: string } {
  return { file: FILE, text: `${stringify(state, 2)}\n` }
}

/** @throws Error that says what is wrong with the file */
export async function readState(folder: string): Promise<StoredState> {
  const state = parseJson(await readFile(join(folder, FILE), 'utf8')) as StoredState
  const problem = problemOf(state)
  if (problem !== undefined) throw new Error(`${FILE} has no sound ${problem}`)
  return state
}

function problemOf(state: Partial<StoredState> | null): string | undefined {
  const { train, events } = state ?? {}
  const { cursor, pending } = train ?? {}
  const counts = {
    'train.step': train?.step,
    'train.cursor.epoch': cursor?.epoch,
    'train.cursor.part': cursor?.part,
    'train.cursor.row': cursor?.row,
    'events.bytes': events?.bytes,
    'events.events': events?.events,
    ...(pending === undefined
      ? {}
      : { 'train.pending.step': pending?.step, 'train.pending.total': pending?.total }),
    ...(state?.best === undefined ? {} : { best: state.best }),
  }
  const bad = Object.entries(counts).find(([, value]) => !Number.isSafeInteger(value) || Number(value) < 0)
  if (bad) return bad[0]
  if (typeof train?.ended !== 'boolean') return 'train.ended'
  if (typeof train.hooks !== 'object' || train.hooks === null) return 'train.hooks'
  return typeof state?.seconds === 'number' ? undefined : 'seconds'
}
