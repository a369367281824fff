/** @file The evaluations that are asked of a model outside a run: tasks, or those of the run that trained it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Dataset, Evaluation, StageContext } from '../plugin/contract.ts'
import { createStage } from '../recipe/create.ts'
import { type Problem, RecipeError } from '../recipe/errors.ts'
import { isRecipe } from '../recipe/find.ts'
import { stageName } from '../recipe/names.ts'
import type { ResolvedRecipe, StageUse } from '../recipe/recipe.ts'
import { loadRecorded } from '../recipe/recorded.ts'
import { inlineRecipe, resolveRecipe } from '../recipe/resolve.ts'
import { find, type MapNode, mapNode, nodeOf, withEntry, withoutEntry } from '../recipe/tree.ts'
import { InputError } from '../util/errors.ts'
import { nearest } from '../util/nearest.ts'
import { splitDataset } from './data.ts'

export interface TargetEvaluation {
  readonly name: string
  /** Its options, as a recipe has them. */
  readonly options: StageUse
  /** Path in the recipe that stands for it. */
  readonly path: string
  readonly evaluation: Evaluation
}

export interface TargetEvaluations {
  readonly resolved: ResolvedRecipe
  readonly evaluations: readonly TargetEvaluation[]
  /** The data set of the run or recipe, where an evaluation reads the rows that are held out. */
  readonly dataset?: Dataset
  /** The run's folder, where the target is one. */
  readonly run?: string
}

/** What places of evaluations that a user named say. */
const COMMAND = 'medtune eval'

/** Stands where a recipe must name something that is never made. */
const NOTHING = { use: 'hub', repo: 'none/none' }

/**
 * @param wanted stages as a recipe's `eval` has them; of a run or a recipe, a name may be one of its own
 *   evaluations, with other options where some are given; none are all of these
 * @throws RecipeError for what cannot be made, InputError where there is nothing to ask
 */
export async function openEvaluations(
  target: string,
  wanted: readonly StageUse[],
  warn: StageContext['warn'],
  progress: NonNullable<StageContext['progress']>,
): Promise<TargetEvaluations> {
  const isRun = existsSync(join(target, 'run.json'))
  const resolved = await recipeOf(target, isRun, wanted)
  const { recipe } = resolved
  if (recipe.eval.length === 0) {
    const which = isRun ? 'run' : 'recipe'
    throw new InputError(`${target}: the ${which} has no evaluation; name a task, such as --task medmcqa`)
  }
  const evaluations: TargetEvaluation[] = []
  for (const [i, options] of recipe.eval.entries()) {
    const path = `eval.${i}`
    const evaluation = await createStage(resolved, 'eval', path, warn, progress)
    const name = stageName(options)
    evaluations.push({ name, options, path, evaluation })
  }
  const run = isRun ? { run: target } : {}
  if (!evaluations.some(({ evaluation }) => evaluation.needsHoldout)) return { resolved, evaluations, ...run }
  if (!isRun && !isRecipe(target))
    throw new InputError(`${target}: loss is of held-out rows, which only a run or a recipe has`)
  const dataset = await createStage(resolved, 'dataset', 'dataset', warn, progress)
  return { resolved, evaluations, dataset: splitDataset(resolved, dataset), ...run }
}

/** The recipe of the target with the evaluations that are wanted; one that is made up where it has none. */
async function recipeOf(
  target: string,
  isRun: boolean,
  wanted: readonly StageUse[],
): Promise<ResolvedRecipe> {
  let own: readonly string[] = []
  const edit = (recipe: MapNode): MapNode => {
    own = [...ownEvaluations(recipe).keys()]
    return withEvaluations(recipe, wanted)
  }
  try {
    if (isRun) return await loadRecorded(target, [], edit)
    if (isRecipe(target)) return await resolveRecipe(target, [], edit)
    if (wanted.length > 0) return await inlineWith(wanted)
  } catch (error) {
    throw error instanceof RecipeError
      ? new RecipeError(error.problems.map((problem) => withOwn(problem, own, wanted)))
      : error
  }
  throw new InputError(`${target}: is no run and no recipe; name a task, such as --task medmcqa`)
}

function inlineWith(wanted: readonly StageUse[]): Promise<ResolvedRecipe> {
  const stages = { model: { use: 'gemma3', repo: 'none/none' }, dataset: NOTHING, template: { use: 'plain' } }
  return inlineRecipe({ name: 'eval', ...stages, eval: wanted }, COMMAND)
}

/** A recipe with other evaluations; those of its own keep the places of their paths. */
function withEvaluations(recipe: MapNode, wanted: readonly StageUse[]): MapNode {
  if (wanted.length === 0) return recipe
  const place = { file: COMMAND, line: 1, col: 1, base: process.cwd() }
  const own = ownEvaluations(recipe)
  const items = wanted.map(({ use, ...options }) => {
    const entries = Object.entries(options).map(([key, value]) => [key, nodeOf(value, place)] as const)
    const start = own.get(use) ?? mapNode(place, [['use', { key: place, value: nodeOf(use, place) }]])
    return entries.reduce((node, [key, value]) => withEntry(node, key, value, place), start)
  })
  return withEntry(withoutEntry(recipe, 'eval'), 'eval', { kind: 'list', place, items }, place)
}

/** Of a name that is no plugin: the target's own evaluations, or a task's file, could have been meant too. */
function withOwn(problem: Problem, own: readonly string[], wanted: readonly StageUse[]): Problem {
  const [, index] = /^eval\.(\d+)\.use$/.exec(problem.path) ?? []
  const name = index === undefined ? undefined : wanted[Number(index)]?.use
  if (name === undefined || problem.allowed === undefined) return problem
  const beside = existsSync(`${name}.yaml`) ? `./${name}.yaml` : undefined
  const suggestion = beside ?? nearest(name, own) ?? problem.suggestion
  return {
    ...problem,
    allowed: [...new Set([...own, ...problem.allowed])],
    ...(suggestion ? { suggestion } : {}),
  }
}

/** The evaluations of a recipe by name. */
function ownEvaluations(recipe: MapNode) {
  const list = recipe.entries.get('eval')?.value
  const items = list?.kind === 'list' ? list.items : []
  return new Map(
    items.flatMap((item) => {
      const name = find(item, ['name'])?.value ?? find(item, ['use'])?.value
      return item.kind === 'map' && name?.kind === 'scalar' ? [[String(name.value), item] as const] : []
    }),
  )
}
