/** @file What makes two recipes the same. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../util/canonical-json.ts'

export { canonicalJson }

/** sha256 of the canonical JSON, in hex. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

/** Freezes a plain value to its leaves and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child)
    Object.freeze(value)
  }
  return value
}
