/** @file Makes what a stage of a recipe stands for. */
import os from 'node:os'
import nodePath from 'node:path'
import {
  type OptionError,
  type OptionsSchema,
  STAGES,
  type StageContext,
  type StageKind,
  type Stages,
  type YamlPlace,
} from '../plugin/index.ts'
import { readOwnFile } from './own-file.ts'
import type { ResolvedRecipe, StageUse } from './recipe.ts'

/** A file that names plugins, resolved: a recipe, or a sweep. */
export type Resolved = Pick<ResolvedRecipe, 'registry' | 'dir' | 'error' | 'baseDir'> & {
  readonly recipe: { readonly seed: number }
}

/**
 * Creates the stage at `path` ('dataset', 'eval.0') with its plugin. The plugin gets its own options,
 * without `use` and the common options that the engine reads.
 * @throws RecipeError, placed at the option, where the plugin rejects one (`OptionError`).
 */
export async function createStage<K extends StageKind>(
  resolved: Resolved,
  kind: K,
  path: string,
  warn: StageContext['warn'],
  progress?: StageContext['progress'],
  uses?: StageContext['uses'],
): Promise<Stages[K]> {
  const stage = stageAt(resolved, path)
  const plugin = resolved.registry.get(kind, stage.use) as unknown as Creates
  const context = stageContext(resolved, stage, path, {
    warn,
    progress: progress ?? (() => {}),
    uses: uses ?? (() => {}),
  })
  try {
    return (await plugin.create(ownOptions(kind, stage) as never, context)) as Stages[K]
  } catch (error) {
    if (isOptionError(error)) throw resolved.error(joinPath(path, error.path), error.message)
    throw error
  }
}

/** By name: a third-party plugin may bring a copy of medtune of its own. */
function isOptionError(error: unknown): error is OptionError {
  return (
    error instanceof Error && error.name === 'OptionError' && typeof (error as OptionError).path === 'string'
  )
}

/** Any plugin's `create`: its options were validated against its own schema, which no static type can follow here. */
interface Creates {
  create(options: never, context: StageContext): unknown
}

/** The stage's options without `use` and what STAGES declares for every plugin of the kind. */
export function ownOptions(kind: StageKind, stage: StageUse): Readonly<Record<string, unknown>> {
  const common = STAGES[kind].common
  return Object.freeze(
    Object.fromEntries(Object.entries(stage).filter(([key]) => key !== 'use' && !Object.hasOwn(common, key))),
  )
}

function stageAt(resolved: Resolved, at: string): StageUse {
  let value: unknown = resolved.recipe
  for (const key of at.split('.')) value = (value as Record<string, unknown>)[key]
  return value as StageUse
}

function stageContext(
  resolved: Resolved,
  stage: StageUse,
  at: string,
  listeners: Required<Pick<StageContext, 'warn' | 'progress' | 'uses'>>,
): StageContext {
  const resolvePath = (value: string): string => {
    const home = value === '~' || value.startsWith('~/')
    const path = home
      ? nodePath.join(os.homedir(), value.slice(1))
      : nodePath.resolve(resolved.baseDir(joinPath(at, optionOf(stage, value))), value)
    listeners.uses(path)
    return path
  }
  const { warn, progress, uses } = listeners
  return Object.freeze({
    recipeDir: resolved.dir,
    seed: resolved.recipe.seed,
    ...listeners,
    resolvePath,
    readYaml: (place: YamlPlace, schema: OptionsSchema) =>
      readOwnFile(resolved, place, schema, resolvePath, (standIn) =>
        createStage(standIn, 'dataset', 'dataset', warn, progress, uses),
      ),
  })
}

/** The option that holds `value`: a plugin asks for a path by its value alone. */
function optionOf(value: unknown, wanted: string): string | undefined {
  if (value === wanted) return ''
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, child] of Object.entries(value)) {
    const below = optionOf(child, wanted)
    if (below !== undefined) return joinPath(key, below)
  }
  return undefined
}

function joinPath(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('.')
}
