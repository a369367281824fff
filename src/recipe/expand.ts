/** @file Short forms to long ones: a stage written as a bare name becomes `{ use: name }`. */
import { type DocumentKind, kindsOf, STAGES, type StageKind } from '../plugin/index.ts'
import type { Place } from './errors.ts'
import { type MapNode, mapNode, type Node, nodeOf } from './tree.ts'

const BY_KEY = new Map((Object.keys(STAGES) as StageKind[]).map((kind) => [STAGES[kind].key, kind]))

/** The kind of plugin that a top-level key of a recipe or a sweep holds, if it holds any. */
export function kindOf(key: string | undefined): StageKind | undefined {
  return key === undefined ? undefined : BY_KEY.get(key)
}

/** Expands every stage of a recipe, and every item of its lists of stages. */
export function expandStages(root: MapNode): MapNode {
  const entries = [...root.entries].map(
    ([key, entry]) => [key, { ...entry, value: expandAt([key], entry.value) }] as const,
  )
  return mapNode(root.place, entries)
}

/** Expands what stands at `path`: a stage, a list of stages, or one of its items; anything else stays. */
export function expandAt(path: readonly string[], node: Node): Node {
  const kind = kindOf(path[0])
  if (!kind || path.length > 2) return node
  const { many } = STAGES[kind]
  if (many && path.length === 1)
    return node.kind === 'list' ? { ...node, items: node.items.map(expandStage) } : node
  return many === (path.length === 2) ? expandStage(node) : node
}

function expandStage(node: Node): Node {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return node
  return mapNode(node.place, [['use', { key: node.place, value: node }]])
}

/** What every recipe or sweep stands on: the stages that need not be written, and the name of its file. */
export function fallbacks(name: string, place: Place, document: DocumentKind = 'recipe'): MapNode {
  const entries = kindsOf(document)
    .filter((kind) => STAGES[kind].fallback !== undefined)
    .map((kind) => [STAGES[kind].key, { key: place, value: nodeOf(STAGES[kind].fallback, place) }] as const)
  return mapNode(place, [['name', { key: place, value: nodeOf(name, place) }], ...entries])
}
