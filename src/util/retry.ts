/** @file How long to go on with a server that does not answer as it should. */

export interface Patience {
  /** Failures in a row that end it. */
  readonly attempts: number
  /** Wait after the first failure; doubled after each further one. */
  readonly delayMs: number
  /** The longest wait that a server may ask for; beyond it the failure is told at once. */
  readonly longestMs: number
  /** A transfer without a byte for this long counts as cut. */
  readonly stallMs: number
}

export const PATIENCE: Patience = { attempts: 5, delayMs: 500, longestMs: 60_000, stallMs: 60_000 }

/** Wait after the `failures`th failure in a row (from 1), spread a little so that clients do not come back together. */
export function backoff({ delayMs }: Patience, failures: number): number {
  return delayMs * 2 ** (failures - 1) * (0.75 + 0.5 * Math.random())
}

/** Milliseconds that a Retry-After header (seconds, or a date) asks for; undefined where it says nothing. */
export function retryAfter(header: string | null, now: number = Date.now()): number | undefined {
  if (header === null || header.trim() === '') return undefined
  const seconds = Number(header)
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}
