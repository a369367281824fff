/** @file Whether something is a test set by its name. */
import { isObject } from './json-object.ts'

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

/** What these options of a data set, a task or an evaluation say that makes its items a test set, in words; undefined where nothing does. */
export function testIn(options: Readonly<Record<string, unknown>>): string | undefined {
  const split = ['split', 'config'].find((key) => isTestName(options[key]))
  if (split) return `the ${split} "${options[split]}"`
  const file = ['path', 'repo', 'task', 'ids'].find((key) => isTestPath(options[key]))
  if (file) return `${file} "${options[file]}", a test by its name`
  // A mixture is a test as soon as one of its sources is.
  const sources: readonly unknown[] = Array.isArray(options.sources) ? options.sources : []
  const found = sources.map((source) => (isObject(source) ? testIn(source) : undefined))
  return found.find((test) => test !== undefined)
}
