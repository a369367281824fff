/** @file Overrides from the command line: `adapter.rank=8`, `eval.0.name=x`, `eval=[loss]`, `dataset=jsonl`. */
import type { Place, Problem } from './errors.ts'
import { expandAt } from './expand.ts'
import { merge } from './extend.ts'
import { parseValue } from './parse.ts'
import { isForbidden, type ListNode, type MapNode, mapNode, type Node, withEntry } from './tree.ts'

interface Override {
  readonly place: Place
  readonly path: readonly string[]
  readonly value: Node
}

export interface OverrideRules {
  /** Where relative paths among the values start; the working directory if left out. */
  readonly base?: string | undefined
  /** The keys that a written path leads through; it is cut at each dot if left out. */
  readonly split?: (key: string) => readonly string[]
}

/**
 * Lays overrides over a recipe, each as if a recipe that held only this key extended it. What replaces
 * goes before what lies inside (`dataset.use=` before `dataset.path=`), whatever order they were typed in.
 */
export function applyOverrides(
  root: MapNode,
  texts: readonly string[],
  problems: Problem[],
  { base = process.cwd(), split = (key) => key.split('.') }: OverrideRules = {},
): MapNode {
  const overrides = texts.flatMap(
    (text, index) => parseOverride(text, index, { base, split }, problems) ?? [],
  )
  return overrides
    .sort((a, b) => a.path.length - b.path.length)
    .reduce((below, override) => (place(below, override, 0, problems) ?? below) as MapNode, root)
}

function parseOverride(
  text: string,
  index: number,
  { base, split }: { readonly base: string; readonly split: (key: string) => readonly string[] },
  problems: Problem[],
): Override | undefined {
  const where: Place = { file: '<override>', line: 1, col: index + 1, override: text, base }
  const fail = (path: string, message: string): undefined => {
    problems.push({ ...where, path, message })
  }
  const equals = text.indexOf('=')
  if (equals < 1) return fail('', 'an override is written key=value, such as adapter.rank=8')
  const key = text.slice(0, equals).trim()
  const path = split(key)
  if (key.split('.').some((segment) => segment === '')) return fail(key, 'a part of the key is empty')
  const bad = key.split('.').find(isForbidden)
  if (bad !== undefined) return fail(key, `"${bad}" is not allowed as a key`)
  if (path[0] === 'extends') return fail(key, 'what a recipe extends is decided in its file')
  const own: Problem[] = []
  const value = parseValue(text.slice(equals + 1), where, own)
  problems.push(
    ...own.map((problem) => ({ ...problem, path: [key, problem.path].filter(Boolean).join('.') })),
  )
  return value && normalise(where, path, value)
}

/** `dataset.use=jsonl` is `dataset=jsonl`: a plugin's name is always set through its whole stage. */
function normalise(where: Place, path: readonly string[], value: Node): Override {
  const holder = path.slice(0, -1)
  if (
    path.at(-1) === 'use' &&
    holder.length > 0 &&
    value.kind === 'scalar' &&
    typeof value.value === 'string'
  ) {
    const stage = expandAt(holder, value)
    if (stage !== value) return { place: where, path: holder, value: stage }
  }
  return { place: where, path, value: expandAt(path, value) }
}

/** The node at `path.slice(0, depth)` with the override placed below it; undefined, with a problem, where it cannot be. */
function place(
  node: Node | undefined,
  override: Override,
  depth: number,
  problems: Problem[],
): Node | undefined {
  const { path, value } = override
  if (depth === path.length) return node ? merge(node, value, path) : value
  if (node?.kind === 'list') return placeInList(node, override, depth, problems)
  if (node?.kind === 'scalar' && node.value !== null) {
    return fail(override, `${path.slice(0, depth).join('.')} is a single value; it has no keys`, problems)
  }
  const map = node?.kind === 'map' ? node : mapNode(override.place)
  const key = path[depth]!
  const changed = place(map.entries.get(key)?.value, override, depth + 1, problems)
  return changed && withEntry(map, key, changed, map.entries.get(key)?.key ?? override.place)
}

function placeInList(
  list: ListNode,
  override: Override,
  depth: number,
  problems: Problem[],
): Node | undefined {
  const segment = override.path[depth]!
  const name = override.path.slice(0, depth).join('.')
  const count = `${name} has ${list.items.length} item${list.items.length === 1 ? '' : 's'}`
  if (!/^\d+$/.test(segment)) {
    return fail(
      override,
      `${name} is a list: give an index (${name}.0) or the whole list (${name}=[...])`,
      problems,
    )
  }
  const index = Number(segment)
  if (index >= list.items.length)
    return fail(override, `index ${segment} is out of range: ${count}, counted from 0`, problems)
  const changed = place(list.items[index], override, depth + 1, problems)
  return changed && { ...list, items: list.items.with(index, changed) }
}

function fail(override: Override, message: string, problems: Problem[]): undefined {
  problems.push({ ...override.place, path: override.path.join('.'), message })
}
