/** @file What goes over the queue: trials there, signs of life, reports, results and run folders back. */
import type { TrialResult, TrialSheet } from '../board.ts'

/** A trial as a worker gets it. */
export interface QueuedTrial {
  /** The attempt's own file, as the coordinator names it: a worker that finds it there works on the same disk. */
  readonly file: string
  readonly sheet: TrialSheet
  /** The trial's whole recipe as YAML, its paths absolute. */
  readonly recipe: string
}

export interface TrialReturn {
  readonly result: TrialResult
  /** The result lies in the sweep's folder already, and so does all else. */
  readonly shared: boolean
}

/** Keys of a job beside BullMQ's own. */
export function keysOf(name: string, job: string) {
  const key = (part: string): string => `medtune:${name}:${job}:${part}`
  return { beat: key('beat'), reports: key('reports'), stop: key('stop'), files: key('files') }
}

/** What nobody came for is gone after a week. */
export const KEEP_SECONDS = 7 * 86_400
