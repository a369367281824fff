/** @file A line of events.jsonl, read back. */
import type { RunEvent } from '../plugin/contract.ts'
import { parseJson } from './json.ts'

/** Undefined for a line that a crash tore, or that is no event. */
export function eventOf(line: string): RunEvent | undefined {
  try {
    const event = parseJson(line) as RunEvent | null
    return typeof event?.type === 'string' ? event : undefined
  } catch {
    return undefined
  }
}
