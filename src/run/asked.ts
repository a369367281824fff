/** @file A model to be asked, without a run around it: of a run's folder, a recipe, a folder of a model or an adapter, or the Hub. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { openTokenizer, type Tokenizer } from '../data/index.ts'
import { frozen } from '../nn/full.ts'
import type {
  Adapter,
  AdapterPlan,
  ExecutorSource,
  Model,
  ModelSource,
  StageContext,
  StageKind,
  Stages,
  Template,
} from '../plugin/contract.ts'
import type { Registry } from '../plugin/registry.ts'
import { completeOptions } from '../recipe/check.ts'
import { createStage } from '../recipe/create.ts'
import { isRecipe } from '../recipe/find.ts'
import { loadRecipe, type ResolvedRecipe, type StageUse } from '../recipe/recipe.ts'
import { loadRecorded } from '../recipe/recorded.ts'
import { registryFor } from '../recipe/resolve.ts'
import { InputError } from '../util/errors.ts'
import { isFolder } from '../util/is-folder.ts'
import { meantFolder } from '../util/meant-folder.ts'
import { precisionOf } from './engine.ts'
import { openTemplate } from './preflight.ts'
import { isTrained, unfinished } from './unfinished.ts'

export interface Asked {
  /** What it was found as, for a reader. */
  readonly name: string
  readonly which: 'base' | 'tuned'
  readonly seed: number
  readonly model: Model
  readonly template: Template
  /** The same, as a recipe has it. */
  readonly way: StageUse
  readonly tokenizer: Tokenizer
  readonly plan: AdapterPlan
  /** Folder of the adapter that was opened. */
  readonly adapter?: string
  readonly compute: ExecutorSource
  readonly precision: 'fp32' | 'bf16'
}

export interface AskOptions {
  /** Changes of the recipe's keys; for a run or a recipe. */
  readonly overrides?: readonly string[]
  /** The model without what was trained. */
  readonly base?: boolean
  readonly warn: StageContext['warn']
  readonly progress?: StageContext['progress']
}

/** The template of a model that comes without a recipe: its own, else text as it is. */
const TEMPLATES = ['chat', 'plain'] as const

/**
 * A run's folder gives the tuned model, a recipe the model it starts from, with the adapter that it names for that.
 * @throws RecipeError; InputError where the target is none of these, or cannot be read
 */
export async function findAsked(target: string, options: AskOptions): Promise<Asked> {
  const folder = isFolder(target) ? resolve(target) : undefined
  if (folder !== undefined && existsSync(join(folder, 'run.json'))) return ofRun(folder, options)
  const { overrides = [] } = options
  if (isRecipe(target)) return ofRecipe(await loadRecipe(target, overrides), undefined, target, options)
  if (overrides.length > 0)
    throw new InputError(`${overrides[0]}: only a run or a recipe has keys to change; ${target} is neither`)
  return folder === undefined ? ofHub(target, options) : ofFolder(folder, options)
}

async function ofRun(folder: string, options: AskOptions): Promise<Asked> {
  const resolved = await loadRecorded(folder, options.overrides)
  const adapter = join(folder, 'adapter')
  if (options.base !== true && !isTrained(adapter))
    throw new InputError(`${await unfinished(folder, 'ask')}; or ask its base model (--base)`)
  return ofRecipe(resolved, options.base === true ? undefined : adapter, folder, options)
}

async function ofRecipe(
  resolved: ResolvedRecipe,
  adapter: string | undefined,
  name: string,
  { warn, progress, base }: AskOptions,
): Promise<Asked> {
  const create = <K extends StageKind>(kind: K): Promise<Stages[K]> =>
    createStage(resolved, kind, kind, warn, progress)
  const [template, compute] = [await create('template'), await create('compute')]
  const model = await (await create('model')).load()
  await openTemplate(resolved, { template }, model)
  const { recipe } = resolved
  const made = base === true ? undefined : await create('adapter')
  // A recipe may start from what another run has trained.
  const folder = adapter ?? made?.from
  return {
    name,
    ...(made === undefined || folder === undefined
      ? { which: 'base', plan: UNTRAINED }
      : { which: 'tuned', plan: reopened(made, folder, model, recipe.adapter.use), adapter: folder }),
    seed: recipe.seed,
    model,
    template,
    way: recipe.template,
    tokenizer: await openTokenizer(model.folder),
    compute,
    precision: precisionOf(resolved, { compute }),
  }
}

/** Nothing is trained, and nothing to be written. */
const UNTRAINED: AdapterPlan = {
  trainable: 0,
  targets: [],
  attachment: frozen,
  write: async () => {
    throw new Error('a model without an adapter has none to write')
  },
}

function reopened(adapter: Adapter, folder: string, model: Model, name: string): AdapterPlan {
  if (adapter.open) return adapter.open(folder, model)
  throw new InputError(
    `${folder}: the adapter "${name}" of this run cannot be opened again; it has no open()`,
  )
}

/** A model's folder, or that of an adapter, which names its model. */
async function ofFolder(folder: string, options: AskOptions): Promise<Asked> {
  const registry = await registryFor()
  if (existsSync(join(folder, 'config.json')))
    return bare(registry, await openModel(registry, { path: folder }, options), undefined, folder, options)
  if (!existsSync(join(folder, 'adapter_config.json'))) {
    throw new InputError(
      `${folder}: is no run (run.json), no model (config.json) and no adapter (adapter_config.json)${meantFolder(folder)}`,
    )
  }
  const model = await openModel(registry, baseOf(folder), options)
  return bare(registry, model, options.base === true ? undefined : folder, folder, options)
}

function baseOf(folder: string): Readonly<Record<string, string>> {
  const file = join(folder, 'adapter_config.json')
  let config: { readonly base_model_name_or_path?: unknown; readonly revision?: unknown } | null
  try {
    config = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new InputError(`${file}: is not valid JSON (${(error as Error).message})`)
  }
  const name = config?.base_model_name_or_path
  if (typeof name !== 'string' || name === '')
    throw new InputError(`${file}: does not name its model (base_model_name_or_path)`)
  if (isFolder(name)) return { path: name }
  if (REPOSITORY.test(name))
    return { repo: name, ...(typeof config?.revision === 'string' ? { revision: config.revision } : {}) }
  throw new InputError(`${file}: its model ${name} is no folder here and no repository of the Hub`)
}

const REPOSITORY = /^\w[\w.-]*\/\w[\w.-]*$/

async function ofHub(repo: string, options: AskOptions): Promise<Asked> {
  // `runs/tpyo` is no repository where there is a folder, or a file, named runs.
  if (!REPOSITORY.test(repo) || existsSync(dirname(repo))) {
    throw new InputError(
      `${repo}: no such folder; give a run, a recipe, a folder with a model or an adapter, or a repository (owner/name)`,
    )
  }
  const registry = await registryFor()
  return bare(registry, await openModel(registry, { repo }, options), undefined, repo, options)
}

/** Every family is asked whether it reads the model. */
async function openModel(
  registry: Registry,
  place: Readonly<Record<string, string>>,
  options: AskOptions,
): Promise<Model> {
  const refusals = new Map<string, string>()
  for (const { name } of registry.of('model')) {
    try {
      const source: ModelSource = await make(registry, 'model', name, place, options)
      return await source.load()
    } catch (error) {
      if (!['InputError', 'OptionError'].includes((error as Error).name)) throw error
      refusals.set(name, (error as Error).message)
    }
  }
  // What every family says alike is no matter of families, such as a Hub that cannot be reached.
  const [said, ...others] = new Set(refusals.values())
  if (said !== undefined && others.length === 0) throw new InputError(said)
  const [first] = Object.values(place)
  const lines = [...refusals].map(([name, message]) => `  ${name}: ${message}`)
  throw new InputError(`${first}: is read by no model plugin:\n${lines.join('\n')}`)
}

async function bare(
  registry: Registry,
  model: Model,
  adapter: string | undefined,
  name: string,
  options: AskOptions,
): Promise<Asked> {
  const compute = await make(registry, 'compute', 'onnxruntime', {}, options)
  return {
    name,
    which: adapter === undefined ? 'base' : 'tuned',
    seed: 0,
    model,
    ...(await ownTemplate(registry, model, options)),
    tokenizer: await openTokenizer(model.folder),
    plan: adapter === undefined ? UNTRAINED : await openAdapter(registry, adapter, model, options),
    ...(adapter === undefined ? {} : { adapter }),
    compute,
    precision: compute.auto,
  }
}

async function ownTemplate(
  registry: Registry,
  model: Model,
  options: AskOptions,
): Promise<Pick<Asked, 'template' | 'way'>> {
  const named = async (use: string): Promise<Pick<Asked, 'template' | 'way'>> => ({
    template: await make(registry, 'template', use, {}, options),
    way: { use, ...completeOptions(registry.get('template', use), {}) },
  })
  const [own, text] = TEMPLATES
  const found = await named(own)
  try {
    await found.template.open?.(model.folder)
    return found
  } catch (error) {
    if ((error as Error).name !== 'InputError') throw error
    options.warn('no-template', `${(error as Error).message}; text is continued as it stands`)
    return named(text)
  }
}

async function openAdapter(
  registry: Registry,
  folder: string,
  model: Model,
  options: AskOptions,
): Promise<AdapterPlan> {
  const refusals: string[] = []
  for (const { name } of registry.of('adapter')) {
    try {
      const adapter = await make(registry, 'adapter', name, {}, options)
      if (adapter.open) return adapter.open(folder, model)
    } catch (error) {
      if ((error as Error).name !== 'InputError') throw error
      refusals.push(`  ${name}: ${(error as Error).message}`)
    }
  }
  throw new InputError(`${folder}: is read by no adapter plugin:\n${refusals.join('\n')}`)
}

/** A plugin outside a recipe. */
async function make<K extends StageKind>(
  registry: Registry,
  kind: K,
  name: string,
  given: Readonly<Record<string, unknown>>,
  { warn, progress }: AskOptions,
): Promise<Stages[K]> {
  const plugin = registry.get(kind, name)
  const context = { recipeDir: process.cwd(), resolvePath: (path: string) => resolve(path), seed: 0, warn }
  const options = completeOptions(plugin, given) as never
  return plugin.create(options, { ...context, ...(progress && { progress }) })
}
