/** @file What an MLflow server accepts: names, lengths and the size of a batch (mlflow/utils/validation.py). */

export const MAX = {
  metrics: 1000,
  params: 100,
  tags: 100,
  /** Bytes of JSON in one log-batch, with some room under the 1e6 that servers refuse. */
  bytes: 900_000,
  key: 250,
  param: 6000,
  tag: 5000,
} as const

/**
 * A key that every server takes: at most 250 letters, digits, and `/ _ . - `, and a relative path that climbs
 * nowhere. Equal keys stay equal; different ones may meet, as `a:b` and `a?b` do.
 */
export function cleanKey(key: string): string {
  const parts = key
    .replace(/[^\w./ -]/g, '_')
    .split('/')
    .map((part) => part.trim().replace(/^\.+$/, '_'))
    .filter((part) => part !== '')
  return parts.join('/').slice(0, MAX.key) || '_'
}

/** Text of at most `length` characters; what was cut shows as an ellipsis. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}

/** Runs of items of at most `count` items and `bytes` of JSON; an item that is larger is alone in its run. */
export function batches<T>(items: readonly T[], count: number, bytes: number = MAX.bytes): T[][] {
  const runs: T[][] = []
  let size = 0
  for (const item of items) {
    const length = Buffer.byteLength(JSON.stringify(item)) + 1
    const open = runs.at(-1)
    if (open && open.length < count && size + length <= bytes) {
      open.push(item)
      size += length
    } else {
      runs.push([item])
      size = length
    }
  }
  return runs
}
