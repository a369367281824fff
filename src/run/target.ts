/** @file The evaluations that are asked of a model outside a run: tasks, or those of the run that trained it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Dataset, Evaluation, StageContext } from '../plugin/contract.ts'
import { createStage } from '../recipe/create.ts'
import type { ResolvedRecipe, StageUse } from '../recipe/recipe.ts'
import { loadRecorded } from '../recipe/recorded.ts'
import { inlineRecipe } from '../recipe/resolve.ts'
import { find, type MapNode, nodeOf, withEntry, withoutEntry } from '../recipe/tree.ts'
import { InputError } from '../util/errors.ts'
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
  /** The run's own data set, where one of its evaluations reads the rows that were held out. */
  readonly dataset?: Dataset
  /** The run's folder, where the target is one. */
  readonly run?: string
}

/** Stands where a recipe must name something that is never made. */
const NOTHING = { use: 'hub', repo: 'none/none' }

/**
 * @param wanted stages as a recipe's `eval` has them; of a run, a bare name may be one of its own evaluations, and
 *   none are all of these
 * @throws RecipeError for what cannot be made, InputError where there is nothing to ask
 */
export async function openEvaluations(
  target: string,
  wanted: readonly StageUse[],
  warn: StageContext['warn'],
  progress: NonNullable<StageContext['progress']>,
): Promise<TargetEvaluations> {
  const isRun = existsSync(join(target, 'run.json'))
  if (!isRun && wanted.length === 0) throw new InputError(`${target}: name a task, such as --task medmcqa`)
  const resolved = isRun ? await recordedWith(target, wanted) : await inlineWith(wanted)
  const { recipe } = resolved
  if (recipe.eval.length === 0) throw new InputError(`${target}: name a task; the run has no evaluation`)
  const evaluations: TargetEvaluation[] = []
  for (const [i, options] of recipe.eval.entries()) {
    const path = `eval.${i}`
    const evaluation = await createStage(resolved, 'eval', path, warn, progress)
    const name = typeof options.name === 'string' ? options.name : options.use
    evaluations.push({ name, options, path, evaluation })
  }
  const needsRows = evaluations.some(({ evaluation }) => evaluation.needsHoldout)
  if (!needsRows) return { resolved, evaluations, ...(isRun ? { run: target } : {}) }
  if (!isRun) throw new InputError(`${target}: loss is of held-out rows, which only a run has`)
  const dataset = await createStage(resolved, 'dataset', 'dataset', warn, progress)
  return { resolved, evaluations, dataset: splitDataset(resolved, dataset), run: target }
}

function inlineWith(wanted: readonly StageUse[]): Promise<ResolvedRecipe> {
  const stages = { model: { use: 'gemma3', repo: 'none/none' }, dataset: NOTHING, template: { use: 'plain' } }
  return inlineRecipe({ name: 'eval', ...stages, eval: wanted }, 'medtune eval')
}

/** The run's recipe with other evaluations; those of its own keep the places of their paths. */
function recordedWith(folder: string, wanted: readonly StageUse[]): Promise<ResolvedRecipe> {
  const place = { file: join(folder, 'resolved.json'), line: 1, col: 1, base: process.cwd() }
  return loadRecorded(folder, [], (recorded): MapNode => {
    const own = ownEvaluations(recorded)
    const chosen =
      wanted.length === 0
        ? [...own.values()]
        : wanted.map((use) => (Object.keys(use).length === 1 && own.get(use.use)) || nodeOf(use, place))
    const list = { kind: 'list' as const, place, items: chosen }
    return withEntry(withoutEntry(recorded, 'eval'), 'eval', list, place)
  })
}

/** The evaluations of a recorded recipe by name. */
function ownEvaluations(recorded: MapNode) {
  const list = recorded.entries.get('eval')?.value
  const items = list?.kind === 'list' ? list.items : []
  return new Map(
    items.flatMap((item) => {
      const name = find(item, ['name'])?.value ?? find(item, ['use'])?.value
      return name?.kind === 'scalar' ? [[String(name.value), item] as const] : []
    }),
  )
}
