/** @file A nested record as a flat one with dotted keys, for tables and for telling what differs. */

export type Scalar = string | number | boolean | null

/** Deeper values, longer texts and further keys are cut: a record of anyone's making must fit a table. */
const DEEPEST = 12
const LONGEST = 1000
const MOST = 1000

/**
 * `{ a: { b: 1 }, c: [1, 2] }` to `a.b` = 1, `c` = "[1, 2]". A list of plain values is one value; a list of
 * records is numbered from 0.
 */
export function flatten(value: unknown, prefix = ''): Map<string, Scalar> {
  const flat = new Map<string, Scalar>()
  walk(value, prefix, 0, flat)
  return flat
}

function walk(value: unknown, path: string, depth: number, flat: Map<string, Scalar>): void {
  if (flat.size >= MOST || value === undefined) return
  if (typeof value !== 'object' || value === null) {
    flat.set(path, scalar(value))
    return
  }
  const entries = Object.entries(value)
  if (path === '' && entries.length === 0) return
  const plain = Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null)
  if (plain || depth >= DEEPEST || entries.length === 0) {
    flat.set(path, (plain ? list(value) : JSON.stringify(value)).slice(0, LONGEST))
    return
  }
  for (const [key, child] of entries) walk(child, path === '' ? key : `${path}.${key}`, depth + 1, flat)
}

const list = (items: readonly unknown[]): string => `[${items.map(String).join(', ')}]`

function scalar(value: unknown): Scalar {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  return String(value).slice(0, LONGEST)
}
