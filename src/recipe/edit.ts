/** @file Changes to the text of a recipe in block style: what is not changed, comments and all, stays as it is. */
import { type Document, isMap, isScalar, type Pair, parseDocument, Scalar } from 'yaml'

/** Another value for a key, perhaps under another name; or no such key any more. */
export interface Change {
  readonly key: readonly string[]
  /** Undefined removes the key with its line. */
  readonly value: string | number | undefined
  /** What the last part of the key is called from now on. */
  readonly rename?: string
}

/** Other text for a part of a text. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Keys that the recipe does not have are passed over. */
export function applyChanges(text: string, changes: readonly Change[]): string {
  const recipe = parseDocument(text)
  const edits = changes.flatMap((change) => editOf(text, recipe, change) ?? [])
  return applyEdits(text, edits)
}

export function applyEdits(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce((result, { start, end, text }) => result.slice(0, start) + text + result.slice(end), text)
}

function editOf(text: string, recipe: Document, { key, value, rename }: Change): Edit | undefined {
  const pair = pairAt(recipe, key)
  if (!pair || !isScalar(pair.key) || !isScalar(pair.value)) return undefined
  const [start] = pair.key.range!
  // Up to the value's own end; the blanks and the comment behind it stay.
  const [, end] = pair.value.range!
  if (value === undefined) {
    const next = text.indexOf('\n', end)
    return { start: text.lastIndexOf('\n', start) + 1, end: next < 0 ? text.length : next + 1, text: '' }
  }
  // A folded or literal block ends with its line.
  const tail = text.slice(start, end).endsWith('\n') ? '\n' : ''
  return { start, end, text: `${rename ?? key.at(-1)}: ${written(value)}${tail}` }
}

function pairAt(recipe: Document, key: readonly string[]): Pair | undefined {
  const parent = recipe.getIn(key.slice(0, -1), true)
  const map = key.length === 1 ? recipe.contents : parent
  if (!isMap(map)) return undefined
  return map.items.find(({ key: name }) => isScalar(name) && name.value === key.at(-1))
}

/** Plain where YAML takes it as plain text, else in double quotes. */
export function written(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const plain = /^[\w./@+-]+$/.test(value) && new Scalar(value).value === parseDocument(value).toJS()
  return plain ? value : JSON.stringify(value)
}
