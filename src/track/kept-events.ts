/** @file The part of an event stream that a run which goes on keeps; what lies behind it is superseded. */
import { appendFileSync, closeSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import type { RunEvent } from '../plugin/contract.ts'
import { eventOf } from './event-of.ts'
import type { EventPosition } from './events.ts'

export interface StepTaken {
  readonly step: number
  readonly loss: number
  readonly tokens: number
  readonly seconds: number
}

export interface KeptEvents extends EventPosition {
  readonly steps: readonly StepTaken[]
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
  /** `<step> <name>` of each evaluation. */
  readonly evaluations: ReadonlySet<string>
  /** Bytes that should be there and are not. */
  readonly missing: number
}

export const NOTHING_KEPT: KeptEvents = {
  bytes: 0,
  events: 0,
  steps: [],
  warnings: [],
  evaluations: new Set(),
  missing: 0,
}

/** What comes only once training has begun, or when a run ends. */
const BEHIND_THE_START: ReadonlySet<string> = new Set(['step', 'checkpoint', 'resume', 'end'])

/**
 * Reads `file` up to a position; without one, up to where training began. A line that a crash cut short ends what
 * is kept.
 */
export function readKept(file: string, position?: EventPosition): KeptEvents {
  const bytes = readFileSync(file)
  const limit = Math.min(position?.bytes ?? bytes.length, bytes.length)
  const kept: RunEvent[] = []
  let end = 0
  for (;;) {
    const line = bytes.indexOf(10, end)
    if (line < 0 || line >= limit) break
    const event = eventOf(bytes.toString('utf8', end, line))
    if (event === undefined || (position === undefined && BEHIND_THE_START.has(event.type))) break
    kept.push(event)
    end = line + 1
  }
  return { ...summary(kept), bytes: end, events: kept.length, missing: (position?.bytes ?? end) - end }
}

function summary(events: readonly RunEvent[]): Pick<KeptEvents, 'steps' | 'warnings' | 'evaluations'> {
  const of = <T extends RunEvent['type']>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type)
  return {
    steps: of('step').map(({ step, loss, tokens, seconds }) => ({ step, loss, tokens, seconds })),
    warnings: of('warning').map(({ code, message }) => ({ code, message })),
    evaluations: new Set(of('eval').map(({ step, name }) => evaluationKey(step, name))),
  }
}

export function evaluationKey(step: number, name: string): string {
  return `${step} ${name}`
}

/** Moves what lies behind the first `bytes` of a stream to the end of another file, durably. */
export function supersede(file: string, bytes: number, to: string): void {
  const tail = readFileSync(file).subarray(bytes)
  if (tail.length === 0) return
  appendFileSync(to, tail.at(-1) === 10 ? tail : Buffer.concat([tail, Buffer.from('\n')]))
  const handle = openSync(file, 'r+')
  try {
    ftruncateSync(handle, bytes)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
