/** @file `extends:` - a recipe laid over the recipes it names. */
import path from 'node:path'
import { STAGES } from '../plugin/index.ts'
import type { Place, Problem } from './errors.ts'
import { expandStages, kindOf } from './expand.ts'
import { type FileSort, findRecipe, RECIPES, readRecipe } from './find.ts'
import { parseRecipe } from './parse.ts'
import { type MapNode, mapNode, type Node, type ScalarNode, withoutEntry } from './tree.ts'

export interface Layers {
  /** The recipe with everything it extends; undefined where its own file cannot be parsed. */
  readonly root: MapNode | undefined
  readonly source: string
}

/**
 * Reads a recipe file and, below it, whatever it extends. Problems of all files go to `problems`; that the file itself
 * cannot be read is told at `place`, where there is one.
 */
export function readLayers(
  file: string,
  problems: Problem[],
  sort = RECIPES,
  place?: Place,
  at?: string,
): Layers {
  const source = readRecipe(file, problems, place, at, sort)
  return {
    root: source === undefined ? undefined : layer(source, file, [file], problems, sort),
    source: source ?? '',
  }
}

function layer(
  source: string,
  file: string,
  chain: readonly string[],
  problems: Problem[],
  sort: FileSort,
): MapNode | undefined {
  const parsed = parseRecipe(source, file, problems, sort.what)
  if (!parsed) return undefined
  const own = expandStages(withoutEntry(parsed, 'extends'))
  const parents = parentNames(parsed, problems).map((name) => parent(name, file, chain, problems, sort))
  return [...parents, own].reduce((below, above) =>
    below && above ? (merge(below, above) as MapNode) : (above ?? below),
  )
}

/** A text value and the path it stands at (`extends` or `extends.0`). */
interface ParentName extends ScalarNode {
  readonly at: string
}

function parentNames(root: MapNode, problems: Problem[]): readonly ParentName[] {
  const value = root.entries.get('extends')?.value
  if (!value) return []
  const written = value.kind === 'list' ? value.items : [value]
  return written.flatMap((node, index) => {
    const at = value.kind === 'list' ? `extends.${index}` : 'extends'
    if (node.kind === 'scalar' && typeof node.value === 'string') return [{ ...node, at }]
    problems.push({
      ...node.place,
      path: at,
      message: 'must be the path or name of one that ships with medtune, or a list of them',
    })
    return []
  })
}

function parent(
  name: ParentName,
  from: string,
  chain: readonly string[],
  problems: Problem[],
  sort: FileSort,
): MapNode | undefined {
  const file = findRecipe(String(name.value), path.dirname(from), problems, name.place, name.at, sort)
  if (!file) return undefined
  if (chain.includes(file)) {
    const loop = [...chain.slice(chain.indexOf(file)), file].map((entry) => path.basename(entry)).join(' -> ')
    problems.push({
      ...name.place,
      path: name.at,
      message: `${sort.what}s extend one another in a circle: ${loop}`,
    })
    return undefined
  }
  const source = readRecipe(file, problems, name.place, name.at, sort)
  return source === undefined ? undefined : layer(source, file, [...chain, file], problems, sort)
}

/**
 * Lays `above` over `below`: mappings merge key by key, everything else is replaced whole. A stage that
 * changes its plugin loses the old plugin's options but keeps those of the engine (`holdout`, `name`).
 * @param path where both stand in the recipe
 */
export function merge(below: Node, above: Node, path: readonly string[] = []): Node {
  if (below.kind !== 'map' || above.kind !== 'map') return above
  const kept = stageKind(path) && changesPlugin(below, above) ? commonOptions(below, path) : below.entries
  const entries = new Map(kept)
  for (const [key, entry] of above.entries) {
    const old = entries.get(key)
    entries.set(key, old ? { key: entry.key, value: merge(old.value, entry.value, [...path, key]) } : entry)
  }
  return mapNode(above.place, entries)
}

/** The kind of the stage that stands at a path (`dataset`, `eval.0`), if one does. */
function stageKind(path: readonly string[]) {
  const kind = kindOf(path[0])
  return kind && path.length === (STAGES[kind].many ? 2 : 1) ? kind : undefined
}

function changesPlugin(below: MapNode, above: MapNode): boolean {
  const name = use(above)
  return name !== undefined && name !== use(below)
}

function use(stage: MapNode): unknown {
  const value = stage.entries.get('use')?.value
  return value?.kind === 'scalar' ? value.value : undefined
}

function commonOptions(stage: MapNode, path: readonly string[]) {
  const { common } = STAGES[stageKind(path)!]
  return [...stage.entries].filter(([key]) => Object.hasOwn(common, key))
}

/** Where a file as a whole is named. */
export function startOf(file: string): Place {
  return { file, line: 1, col: 1 }
}
