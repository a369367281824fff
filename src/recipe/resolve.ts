/** @file From what a user names to a frozen recipe: extend, override, find the plugins, check. */
import path from 'node:path'
import type { DocumentKind } from '../plugin/index.ts'
import { addThirdParty, builtIns } from '../plugin/load.ts'
import { PluginError, type Registry } from '../plugin/registry.ts'
import { checkOptions, checkRecipe } from './check.ts'
import { type Place, type Problem, RecipeError } from './errors.ts'
import { expandStages, fallbacks } from './expand.ts'
import { merge, readLayers, startOf } from './extend.ts'
import { findRecipe } from './find.ts'
import { contentHash, deepFreeze } from './hash.ts'
import { applyOverrides } from './override.ts'
import type { Recipe, ResolvedRecipe } from './recipe.ts'
import { type MapNode, nodeOf, placeOf } from './tree.ts'

/** See `loadRecipe`. `edit` may change what the files say before overrides are laid over it. */
export async function resolveRecipe(
  target: string,
  overrides: readonly string[] = [],
  edit: (recipe: MapNode) => MapNode = (recipe) => recipe,
  base?: string,
): Promise<ResolvedRecipe> {
  const problems: Problem[] = []
  const file = findRecipe(target, process.cwd(), problems)
  if (!file) throw new RecipeError(problems)
  const { root: layers, source } = readLayers(file, problems)
  const broken = problems.length > 0
  if (!layers) throw new RecipeError(problems)
  const below = edit(overFallbacks(layers, file))
  return finishRecipe(below, { file, dir: path.dirname(file), source, overrides, base, broken }, problems)
}

/** Where a recipe came from, and what is laid over it. */
export interface RecipeOrigin {
  readonly file: string
  readonly dir: string
  readonly source: string
  readonly overrides: readonly string[]
  /** Where relative paths in these start; the working directory if left out. */
  readonly base?: string | undefined
  /** Whether a file below it could not be read. */
  readonly broken: boolean
}

/** Overrides, finds the plugins, checks and freezes. @throws RecipeError with every mistake, `problems` included */
export async function finishRecipe(
  below: MapNode,
  { file, dir, source, overrides, base, broken }: RecipeOrigin,
  problems: Problem[],
): Promise<ResolvedRecipe> {
  const root = applyOverrides(below, overrides, problems, { base })
  const { registry, complete } = await openRegistry(root, problems)
  const recipe = checkRecipe(root, registry, problems, { layers: !broken, plugins: complete }) as Recipe
  if (problems.length > 0) throw new RecipeError(problems)
  deepFreeze(recipe)
  return Object.freeze({
    recipe,
    hash: contentHash(recipe),
    file,
    dir,
    source,
    overrides: Object.freeze([...overrides]),
    registry,
    error: (at: string, message: string) =>
      new RecipeError([{ ...placeOf(root, at.split('.')), path: at, message }]),
    baseDir: (at: string) => baseDir(placeOf(root, at.split('.'))),
  })
}

/** A recipe that stands in no file. `label` is what errors name; relative paths start at the working directory. */
export async function inlineRecipe(value: object, label: string): Promise<ResolvedRecipe> {
  const problems: Problem[] = []
  const dir = process.cwd()
  const place = { ...startOf(label), base: dir }
  const below = overFallbacks(expandStages(nodeOf(value, place) as MapNode), label)
  return finishRecipe(below, { file: label, dir, source: '', overrides: [], broken: false }, problems)
}

/** The plugins a recipe can use, without checking the recipe. Without a target, the built-ins. */
export async function registryFor(target?: string): Promise<Registry> {
  if (target === undefined) return builtIns()
  const problems: Problem[] = []
  const file = findRecipe(target, process.cwd(), problems)
  const root = file && readLayers(file, problems).root
  if (!root) throw new RecipeError(problems)
  const { registry } = await openRegistry(root, problems)
  if (problems.length > 0) throw new RecipeError(problems)
  return registry
}

/** Lays a recipe or a sweep over the stages that need not be written; its name is its file's unless it says otherwise. */
export function overFallbacks(layers: MapNode, file: string, document: DocumentKind = 'recipe'): MapNode {
  const name = path
    .basename(file)
    .replace(/\.ya?ml$/i, '')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9._-]+/g, '-')
    .replace(/^-+/, '')
  return merge(fallbacks(name || document, startOf(file), document), layers) as MapNode
}

/** The built-ins and what `plugins` of the file names. */
export async function openRegistry(
  root: MapNode,
  problems: Problem[],
): Promise<{ registry: Registry; complete: boolean }> {
  const registry = await builtIns()
  const plugins = root.entries.get('plugins')?.value
  let complete = true
  for (const [index, item] of (plugins?.kind === 'list' ? plugins.items : []).entries()) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') continue
    try {
      await addThirdParty(registry, item.value, baseDir(item.place), checkOptions)
    } catch (error) {
      if (!(error instanceof PluginError)) throw error
      complete = false
      problems.push({ ...item.place, path: `plugins.${index}`, message: error.message })
    }
  }
  return { registry, complete }
}

/** Where a relative path that was written at `place` starts. */
export function baseDir(place: Place): string {
  return place.base ?? path.dirname(place.file)
}
