/** @file A recipe while it is put together: plain values, each with the place it was written. */
import type { Place } from './errors.ts'

export interface ScalarNode {
  readonly kind: 'scalar'
  readonly place: Place
  readonly value: string | number | boolean | null
}
export interface ListNode {
  readonly kind: 'list'
  readonly place: Place
  readonly items: readonly Node[]
}
export interface MapNode {
  readonly kind: 'map'
  readonly place: Place
  readonly entries: ReadonlyMap<string, Entry>
}
export interface Entry {
  /** Where the key was written. */
  readonly key: Place
  readonly value: Node
}
export type Node = ScalarNode | ListNode | MapNode

/** Keys that reach an object's prototype; no recipe may hold one, at any depth. */
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])
export function isForbidden(key: string): boolean {
  return FORBIDDEN.has(key)
}

export function mapNode(place: Place, entries: Iterable<readonly [string, Entry]> = []): MapNode {
  return { kind: 'map', place, entries: new Map(entries) }
}

export function scalarNode(place: Place, value: ScalarNode['value']): ScalarNode {
  return { kind: 'scalar', place, value }
}

/** A plain value (a fallback, a default) as a node; everything in it was "written" at `place`. */
export function nodeOf(value: unknown, place: Place): Node {
  if (Array.isArray(value)) return { kind: 'list', place, items: value.map((item) => nodeOf(item, place)) }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([key, child]) => [key, { key: place, value: nodeOf(child, place) }] as const,
    )
    return mapNode(place, entries)
  }
  return scalarNode(place, value as ScalarNode['value'])
}

export function withEntry(map: MapNode, key: string, value: Node, keyPlace: Place): MapNode {
  return { ...map, entries: new Map([...map.entries, [key, { key: keyPlace, value }]]) }
}

export function withoutEntry(map: MapNode, key: string): MapNode {
  return { ...map, entries: new Map([...map.entries].filter(([name]) => name !== key)) }
}

/** The plain value of a node. Forbidden keys were refused when it was parsed, so plain objects are safe. */
export function toValue(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toValue)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toValue(entry.value)]))
}

/** What is found at a dotted path: its key's place (a list item's is the value's) and its value; undefined where nothing was written. */
export function find(root: Node, path: readonly string[]): Entry | undefined {
  let entry: Entry = { key: root.place, value: root }
  for (const segment of path) {
    const next = child(entry.value, segment)
    if (!next) return undefined
    entry = next
  }
  return entry
}

function child(node: Node, segment: string): Entry | undefined {
  if (node.kind === 'map') return node.entries.get(segment)
  if (node.kind === 'list' && /^\d+$/.test(segment)) {
    const value = node.items[Number(segment)]
    return value && { key: value.place, value }
  }
  return undefined
}

/** The nearest written place for a path: the value itself, else the key of what should hold it. */
export function placeOf(root: Node, path: readonly string[]): Place {
  const exact = find(root, path)
  if (exact) return exact.value.place
  for (let length = path.length - 1; length > 0; length--) {
    const holder = find(root, path.slice(0, length))
    if (holder) return holder.key
  }
  return root.place
}
