/** @file From what a user names to a frozen sweep: parse, check, build the space, try its values, make its plugins. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { OptionError, type Sampler, type Space } from '../plugin/contract.ts'
import { STAGES, type StageKind, type Stages } from '../plugin/index.ts'
import { builtIns } from '../plugin/load.ts'
import type { Registry } from '../plugin/registry.ts'
import { checkDocument } from '../recipe/check.ts'
import { createStage, type Resolved } from '../recipe/create.ts'
import { type Place, type Problem, RecipeError } from '../recipe/errors.ts'
import { expandStages } from '../recipe/expand.ts'
import { isPath, readRecipe } from '../recipe/find.ts'
import { deepFreeze } from '../recipe/hash.ts'
import { applyOverrides } from '../recipe/override.ts'
import { parseRecipe } from '../recipe/parse.ts'
import { loadRecipe } from '../recipe/recipe.ts'
import { baseDir, openRegistry, overFallbacks } from '../recipe/resolve.ts'
import { type MapNode, placeOf, toValue, withEntry } from '../recipe/tree.ts'
import { type Chooser, ChosenBy } from './chosen.ts'
import { findSweep } from './find.ts'
import { buildSpace, expandParameters } from './parameters.ts'
import { probeSpace } from './probe.ts'
import { sweepKeys, sweepSchema } from './schema.ts'
import { countCombinations } from './space.ts'
import type { ResolvedSweep, SweepSpec } from './sweep.ts'

/** A sweep file as far as it says itself what it is. */
interface Sheet {
  readonly spec: SweepSpec
  readonly root: MapNode
  readonly registry: Registry
  readonly file: string
  readonly source: string
}

/** See `loadSweep`. */
export async function resolveSweep(target: string, overrides: readonly string[]): Promise<ResolvedSweep> {
  const sheet = await readSheet(findSweep(target), overrides)
  const { spec, file, source } = sheet
  const problems: Problem[] = []
  const parameters = sheet.root.entries.get('parameters')!.value as MapNode
  const { space, places } = buildSpace(parameters, problems)
  const recipe = recipeTarget(sheet)
  const base = await collected(problems, () => loadRecipe(recipe))
  refuse(problems)
  const watch = String(spec.early_terminate.metric ?? spec.metric.name)
  const chosen = new ChosenBy(choosersOf(spec, watch))
  const placeOfValue = (name: string) => {
    const keys = places.get(name)!
    return { ...placeOf(sheet.root, keys), at: keys.join('.') }
  }
  const look = chosen.look.bind(chosen)
  problems.push(...(await probeSpace(recipe, space, path.dirname(sheet.file), placeOfValue, look)))
  problems.push(...chosen.problems().map((problem) => ({ ...placeAt(sheet.root, problem.path), ...problem })))
  const stages = await openStages(sheet, problems)
  const trials = stages.sampler && countTrials(sheet, space, stages.sampler, problems)
  refuse(problems)
  return Object.freeze({
    spec: deepFreeze(spec),
    space: deepFreeze(space),
    base: base!,
    trials,
    seconds: secondsOf(spec.time_cap),
    watch,
    file,
    source,
    dir: path.dirname(file),
    sampler: stages.sampler!,
    pruner: stages.pruner!,
    executor: stages.executor!,
  })
}

/** The plugins that a sweep can use, without checking it. Without a target, the built-ins. */
export async function sweepRegistryFor(target?: string): Promise<Registry> {
  const problems: Problem[] = []
  const file = target === undefined ? undefined : findSweep(target)
  if (file === undefined) return builtIns()
  const source = readRecipe(file, problems)
  const root = source === undefined ? undefined : parseRecipe(source, file, problems, 'sweep')
  if (!root) throw new RecipeError(problems)
  const { registry } = await openRegistry(root, problems)
  refuse(problems)
  return registry
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new RecipeError(problems)
}

/** @throws RecipeError where the file is not what the schema asks for */
async function readSheet(file: string, overrides: readonly string[]): Promise<Sheet> {
  const problems: Problem[] = []
  const source = readRecipe(file, problems)
  const parsed = source === undefined ? undefined : parseRecipe(source, file, problems, 'sweep')
  if (source === undefined || !parsed) throw new RecipeError(problems)
  const broken = problems.length > 0
  const below = overFallbacks(expandStages(parsed), file, 'sweep')
  const split = (key: string): readonly string[] => splitKey(key, below)
  const root = longForm(applyOverrides(below, overrides, problems, { split }))
  const { registry, complete } = await openRegistry(root, problems)
  const rules = { schema: sweepSchema(registry, toValue(root)), known: sweepKeys(), taken: [] }
  const whole = { layers: !broken, plugins: complete }
  const spec = checkDocument(root, rules, registry, problems, whole) as SweepSpec
  refuse(problems.map(withParameter))
  return { spec, root, registry, file, source }
}

/** A key of the recipe typed as one of the sweep is meant as a parameter of one value. */
function withParameter(problem: Problem): Problem {
  const typed = problem.override?.slice(0, problem.override.indexOf('=')) ?? ''
  const [head = ''] = typed.split('.')
  const isRecipes =
    head === 'train' || Object.values(STAGES).some(({ of, key }) => of === 'recipe' && key === head)
  return isRecipes && problem.path === head ? { ...problem, suggestion: `parameters.${typed}` } : problem
}

/** A parameter's name has dots of its own: `parameters.optimizer.lr.min` is `min` of the parameter `optimizer.lr`. */
function splitKey(key: string, root: MapNode): readonly string[] {
  const [head = '', ...rest] = key.split('.')
  const parameters = root.entries.get('parameters')?.value
  if (head !== 'parameters' || rest.length === 0 || parameters?.kind !== 'map') return key.split('.')
  const length = rest.findLastIndex((_, i) => parameters.entries.has(rest.slice(0, i + 1).join('.'))) + 1
  // One that the file does not have is a new one.
  return length === 0
    ? [head, rest.join('.')]
    : [head, rest.slice(0, length).join('.'), ...rest.slice(length)]
}

function longForm(root: MapNode): MapNode {
  const entry = root.entries.get('parameters')
  return entry ? withEntry(root, 'parameters', expandParameters(entry.value), entry.key) : root
}

/** The recipe as `loadRecipe` takes it: a path relative to the sweep's file, or a shipped one's name. */
function recipeTarget({ spec, root }: Sheet): string {
  if (!isPath(spec.recipe)) return spec.recipe
  const place = placeAt(root, 'recipe')
  const file = path.resolve(baseDir(place), spec.recipe)
  // Told where it is named: a recipe that is there tells its mistakes itself.
  refuse(existsSync(file) ? [] : [{ ...place, path: 'recipe', message: `${file} does not exist` }])
  return file
}

function placeAt(root: MapNode, where: string): Place {
  return placeOf(root, where.split('.'))
}

/** What `action` gives; what it refuses is added to `problems`. */
async function collected<T>(problems: Problem[], action: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

/** The metrics that the sweep chooses by, at its end and while trials train. */
function choosersOf({ metric, early_terminate }: SweepSpec, watch: string): readonly Chooser[] {
  const chosen = { key: 'metric.name', metric: metric.name, watched: false }
  if (early_terminate.use === 'none') return [chosen]
  const key = early_terminate.metric === undefined ? 'early_terminate' : 'early_terminate.metric'
  return [chosen, { key, metric: watch, watched: true }]
}

type SweepStages = { readonly [K in 'sampler' | 'pruner' | 'executor']: Stages[K] | undefined }

async function openStages({ spec, root, registry, file }: Sheet, problems: Problem[]): Promise<SweepStages> {
  const resolved: Resolved = {
    recipe: spec as unknown as Resolved['recipe'],
    registry,
    dir: path.dirname(file),
    error: (where, message) => new RecipeError([{ ...placeAt(root, where), path: where, message }]),
    baseDir: (where) => baseDir(placeAt(root, where)),
  }
  const make = <K extends StageKind>(kind: K): Promise<Stages[K] | undefined> =>
    collected(problems, () => createStage(resolved, kind, STAGES[kind].key, () => {}))
  return {
    sampler: await make('sampler'),
    pruner: await make('pruner'),
    executor: await make('executor'),
  }
}

/** How many trials there are to be: the cap, or what the sampler has. */
function countTrials(
  { spec, root }: Sheet,
  space: Space,
  sampler: Sampler,
  problems: Problem[],
): number | undefined {
  const fail = (where: string, message: string): undefined => {
    problems.push({ ...placeAt(root, where), path: where, message })
  }
  try {
    sampler.check?.(space)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    return fail(error.path === '' ? 'method' : `method.${error.path}`, error.message)
  }
  const size = sampler.size?.(space) ?? countCombinations(space)
  if (spec.run_cap === undefined && spec.time_cap === undefined && sampler.size === undefined)
    return fail('method', `"${spec.method.use}" goes on for ever: say when to stop with run_cap or time_cap`)
  const count = Math.min(size, spec.run_cap ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(count) ? count : undefined
}

const UNITS: { readonly [unit: string]: number } = { s: 1, m: 60, h: 3600, d: 86_400 }

/** 5400, "90m" or "1.5h" in seconds. */
export function secondsOf(cap: number | string | undefined): number | undefined {
  if (typeof cap !== 'string') return cap
  return Number(cap.slice(0, -1)) * UNITS[cap.at(-1)!]!
}
