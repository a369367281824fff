/** @file YAML files that a plugin reads beside the recipe, such as a task: checked and placed as a recipe is. */
import path from 'node:path'
import {
  type Dataset,
  OptionError,
  type OptionsSchema,
  type YamlFile,
  type YamlPlace,
} from '../plugin/index.ts'
import type { Registry } from '../plugin/registry.ts'
import { nearest } from '../util/nearest.ts'
import { checkDocument } from './check.ts'
import { type Problem, RecipeError } from './errors.ts'
import { expandStages } from './expand.ts'
import { merge, readLayers, startOf } from './extend.ts'
import { type FileSort, isPath, shippedFiles } from './find.ts'
import { deepFreeze } from './hash.ts'
import type { Recipe, ResolvedRecipe } from './recipe.ts'
import { ownFileSchema } from './schema.ts'
import { type MapNode, mapNode, nodeOf, placeOf, toValue } from './tree.ts'

/** As much of a recipe as making its dataset takes. */
type StandIn = Pick<ResolvedRecipe, 'registry' | 'dir' | 'error' | 'baseDir'> & {
  readonly recipe: Pick<Recipe, 'seed' | 'dataset'>
}
type MakeDataset = (standIn: StandIn) => Promise<Dataset>

/** The recipe that the file is read for. */
interface Reader {
  readonly registry: Registry
  readonly recipe: { readonly seed: number }
}

/**
 * Reads the file that an option names: a path, or the bare name of one that ships with medtune.
 * @param resolved the recipe; `resolvePath` makes a path of its option absolute
 * @throws RecipeError with every mistake of the file; OptionError where there is none of that name
 */
export async function readOwnFile(
  resolved: Reader,
  { target, option, ...sort }: YamlPlace,
  schema: OptionsSchema,
  resolvePath: (target: string) => string,
  makeDataset: MakeDataset,
): Promise<YamlFile> {
  const file = isPath(target) ? resolvePath(target) : shipped(target, option, sort)
  const problems: Problem[] = []
  const { root: layers } = readLayers(file, problems, sort)
  const root = layers && expandStages(layers)
  if (root === undefined) throw new RecipeError(problems)
  const { registry } = resolved
  const check = (tree: MapNode): unknown => {
    const rules = {
      schema: ownFileSchema(registry, schema, toValue(tree)),
      known: new Map(),
      taken: ['extends'],
    }
    return checkDocument(tree, rules, registry, problems, { layers: true, plugins: true })
  }
  const value = deepFreeze(check(root)) as YamlFile['value']
  if (problems.length > 0) throw new RecipeError(problems)
  const error = errorsOf(root)
  return Object.freeze({
    file,
    value,
    error,
    resolvePath: (at: string, relative: string) => path.resolve(baseDir(root, at), relative),
    async dataset(changes: Readonly<Record<string, unknown>> = {}) {
      const tree = withDataset(root, changes, file)
      const dataset = check(tree) as Pick<Recipe, 'dataset'>
      if (problems.length > 0) throw new RecipeError(problems)
      return makeDataset(standIn(tree, dataset, file, resolved))
    },
  })
}

function shipped(name: string, option: string, sort: FileSort): string {
  const files = shippedFiles(sort)
  const file = files.get(name)
  if (file !== undefined) return file
  const near = nearest(name, files.keys())
  const hint = near === undefined ? '' : `; did you mean "${near}"`
  throw new OptionError(
    option,
    `no ${sort.what} named ${JSON.stringify(name)} ships with medtune (a file's name ends in .yaml or has a slash)${hint}; allowed: ${[...files.keys()].join(', ')}`,
  )
}

function errorsOf(root: MapNode): ResolvedRecipe['error'] {
  return (at, message) =>
    new RecipeError([{ ...placeOf(root, at.split('.').filter(Boolean)), path: at, message }])
}

const baseDir = (root: MapNode, at: string): string => path.dirname(placeOf(root, at.split('.')).file)

/** The file with other options of its dataset, as if a file that held only these extended it. */
function withDataset(root: MapNode, changes: Readonly<Record<string, unknown>>, file: string): MapNode {
  const place = startOf(file)
  const above = mapNode(place, [['dataset', { key: place, value: nodeOf(changes, place) }]])
  return Object.keys(changes).length === 0 ? root : (merge(root, above) as MapNode)
}

function standIn(
  root: MapNode,
  { dataset }: Pick<Recipe, 'dataset'>,
  file: string,
  { registry, recipe: { seed } }: Reader,
): StandIn {
  return {
    recipe: deepFreeze({ seed, dataset }),
    dir: path.dirname(file),
    registry,
    error: errorsOf(root),
    baseDir: (at) => baseDir(root, at),
  }
}
