/** @file The recipe of a run, made again from what its folder says, so that the run can be repeated or gone on with. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { InputError } from '../util/errors.ts'
import { meantFolder } from '../util/meant-folder.ts'
import type { Place } from './errors.ts'
import { type Problem, RecipeError } from './errors.ts'
import { parseRecipe } from './parse.ts'
import type { Recipe, ResolvedRecipe } from './recipe.ts'
import { finishRecipe } from './resolve.ts'
import { type MapNode, mapNode, type Node, toValue } from './tree.ts'

/** Dotted path of an option -> the folder where its relative paths start. */
export type Bases = Readonly<Record<string, string>>

/** Options whose relative paths start elsewhere than in the recipe's own folder: from `extends`, or the command line. */
export function basesOf({ recipe, dir, baseDir }: ResolvedRecipe): Bases {
  const entries = [...textPaths(recipe)].map((at) => [at, baseDir(at)] as const)
  return Object.fromEntries(entries.filter(([, base]) => base !== dir))
}

/**
 * The recipe that the run in `folder` followed, defaults and overrides included. Relative paths start where they did,
 * `overrides` are laid over it; before that `edit` may change what was recorded.
 * @throws InputError where the folder is no run's; RecipeError where this version or the overrides do not fit
 */
export async function loadRecorded(
  folder: string,
  overrides: readonly string[] = [],
  edit: (recipe: MapNode) => MapNode = (recipe) => recipe,
): Promise<ResolvedRecipe> {
  const file = path.resolve(folder, 'resolved.json')
  const problems: Problem[] = []
  const record = parseRecipe(readRecord(folder, file), file, problems)
  if (problems.length > 0) throw new RecipeError(problems)
  const recipe = record?.entries.get('recipe')?.value
  if (record === undefined || recipe?.kind !== 'map')
    throw new InputError(`${file}: holds no recipe; the file is damaged`)
  const { dir, bases } = placesOf(record, file)
  const source = readSource(folder)
  const root = edit(rebased(recipe, [], bases, dir) as MapNode)
  const written = record.entries.get('file')?.value
  const origin = written?.kind === 'scalar' ? String(written.value) : file
  return finishRecipe(root, { file: origin, dir, source, overrides, broken: false }, problems)
}

function readRecord(folder: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new InputError(`${file}: cannot be read (${code ?? String(error)})`)
    const there = existsSync(folder)
    throw new InputError(
      there
        ? `${folder}: is no run folder, it has no resolved.json${meantFolder(folder) || '; a run folder lies in runs/ and holds run.json'}`
        : `${folder}: no such folder${meantFolder(folder) || '; give the folder of a run, such as runs/<time>-<name>-<hash>'}`,
    )
  }
}

function readSource(folder: string): string {
  try {
    return readFileSync(path.join(folder, 'recipe.yaml'), 'utf8')
  } catch {
    return ''
  }
}

function placesOf(record: MapNode, file: string): { readonly dir: string; readonly bases: Bases } {
  const value = toValue(record) as { dir?: unknown; bases?: unknown }
  const texts = (map: unknown): map is Record<string, string> =>
    typeof map === 'object' && map !== null && Object.values(map).every((base) => typeof base === 'string')
  if (typeof value.dir === 'string' && texts(value.bases)) return { dir: value.dir, bases: value.bases }
  throw new InputError(
    `${file}: does not say where its paths start; it was written by an earlier version of medtune`,
  )
}

/** The node with the folder of relative paths noted at each place. */
function rebased(node: Node, at: readonly string[], bases: Bases, dir: string): Node {
  const place: Place = { ...node.place, base: bases[at.join('.')] ?? dir }
  if (node.kind === 'scalar') return { ...node, place }
  if (node.kind === 'list') {
    return {
      ...node,
      place,
      items: node.items.map((item, i) => rebased(item, [...at, String(i)], bases, dir)),
    }
  }
  const entries = [...node.entries].map(
    ([key, { key: keyPlace, value }]) =>
      [key, { key: keyPlace, value: rebased(value, [...at, key], bases, dir) }] as const,
  )
  return mapNode(place, entries)
}

/** Dotted paths of every text in a recipe. */
function* textPaths(value: Recipe | unknown, at: readonly string[] = []): Generator<string> {
  if (typeof value === 'string') yield at.join('.')
  else if (typeof value === 'object' && value !== null) {
    for (const [key, child] of Object.entries(value)) yield* textPaths(child, [...at, key])
  }
}
