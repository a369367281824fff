/** @file Whether something is a test set by its name. */

/** `test`, `test_a`, `data/test.jsonl`; not `latest` or `contest`. */
export function isTestName(value: unknown): boolean {
  return typeof value === 'string' && /(^|[^a-z])tests?([^a-z]|$)/i.test(value)
}

/** A file whose name says so, or that lies in a folder `test`; folders above are the project's own matter. */
export function isTestPath(value: unknown): boolean {
  if (typeof value !== 'string') return false
  const [file = '', folder = ''] = value.split(/[/\\]/).reverse()
  return isTestName(file) || /^tests?$/i.test(folder)
}
