/** @file JSON for records: a number that JSON cannot hold is written as a string and read back as a number. */

const NAMES = new Set(['NaN', 'Infinity', '-Infinity'])

export function stringify(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, item) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item),
    indent,
  )
}

/** Number of a record that may hold NaN or infinity as a string; undefined for anything else. */
export function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && NAMES.has(value) ? Number(value) : undefined
}

/** Reads what `stringify` wrote, with numbers that JSON cannot hold as numbers again. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_key, value) =>
    typeof value === 'string' && NAMES.has(value) ? Number(value) : value,
  )
}
