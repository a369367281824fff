/** @file Makes every stage of a recipe, so that each option a plugin can refuse is refused before anything heavy is done. */
import type {
  Adapter,
  Dataset,
  Evaluation,
  ExecutorSource,
  Exporter,
  ModelSource,
  Schedule,
  StageContext,
  StageKind,
  Stages,
  Template,
} from '../plugin/contract.ts'
import { createStage } from '../recipe/create.ts'
import { type Problem, RecipeError } from '../recipe/errors.ts'
import { HOLDOUT, stageName, TRAIN } from '../recipe/names.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import type { NamedTracker } from '../track/events.ts'
import type { RunOptions } from './options.ts'

export interface NamedEvaluation {
  readonly name: string
  /** Path in the recipe, such as `eval.0`. */
  readonly path: string
  readonly evaluation: Evaluation
  /** Optimizer steps between two measurements while training goes on. */
  readonly every?: number
}

export interface RunStages {
  readonly model: ModelSource
  readonly dataset: Dataset
  readonly template: Template
  readonly adapter: Adapter
  readonly schedule: Schedule
  readonly compute: ExecutorSource
  readonly evaluations: readonly NamedEvaluation[]
  readonly trackers: readonly NamedTracker[]
  readonly exporters: readonly { readonly name: string; readonly exporter: Exporter }[]
  /** Files and folders that stages read -> the stage's path in the recipe; grows while rows are read. */
  readonly used: ReadonlyMap<string, string>
}

/** Stages whose files decide what a run comes to. The model's are known once it is loaded. */
const READERS: ReadonlySet<StageKind> = new Set(['dataset', 'template', 'adapter', 'eval'])

type Warn = StageContext['warn']

/** @throws RecipeError at every option that a plugin refuses; InputError for a file that an evaluation cannot read. */
export async function createStages(
  resolved: ResolvedRecipe,
  warn: Warn,
  onProgress?: RunOptions['onProgress'],
): Promise<RunStages> {
  const progress: StageContext['progress'] = (phase, done, total, unit) =>
    onProgress?.({ phase, done, total, ...(unit === undefined ? {} : { unit }) })
  const { recipe } = resolved
  const refused: Problem[] = []
  const used = new Map<string, string>()
  // A refused stage leaves a hole; nothing is returned where there is one.
  const create = async <K extends StageKind>(kind: K, path: string): Promise<Stages[K]> => {
    try {
      const uses = (file: string) => void (READERS.has(kind) && used.set(file, path))
      return await createStage(resolved, kind, path, warn, progress, uses)
    } catch (error) {
      if (!(error instanceof RecipeError)) throw error
      refused.push(...error.problems)
      return undefined as never
    }
  }
  const many = <K extends StageKind>(kind: K, key: 'eval' | 'trackers' | 'exports') =>
    Promise.all(
      recipe[key].map(async (use, i) => ({
        name: stageName(use),
        path: `${key}.${i}`,
        made: await create(kind, `${key}.${i}`),
      })),
    )
  refuseReserved(resolved)
  refuseTwins(resolved, 'eval')
  refuseTwins(resolved, 'exports')
  const stages = {
    model: await create('model', 'model'),
    dataset: await create('dataset', 'dataset'),
    template: await create('template', 'template'),
    adapter: await create('adapter', 'adapter'),
    schedule: await create('schedule', 'schedule'),
    compute: await create('compute', 'compute'),
  }
  // Made once here although it lives in the executor's worker, so that a refused option is found now.
  await create('optimizer', 'optimizer')
  const lists = {
    evaluations: (await many('eval', 'eval')).map(({ name, path, made }, i) => ({
      name,
      path,
      evaluation: made,
      ...(typeof recipe.eval[i]!.every === 'number' ? { every: recipe.eval[i]!.every } : {}),
    })),
    trackers: (await many('tracker', 'trackers')).map(({ name, made }) => ({ name, tracker: made })),
    exporters: (await many('export', 'exports')).map(({ name, made }) => ({ name, exporter: made })),
  }
  if (refused.length > 0) throw new RecipeError(refused)
  return { ...stages, ...lists, used }
}

/** Names under which training measures itself: an evaluation of that name would be taken for it. */
const RESERVED = [HOLDOUT, TRAIN]

function refuseReserved(resolved: ResolvedRecipe): void {
  const taken = resolved.recipe.eval.findIndex((use) => RESERVED.includes(stageName(use)))
  if (taken < 0) return
  const { [taken]: use } = resolved.recipe.eval
  throw resolved.error(
    `eval.${taken}`,
    `cannot be named "${stageName(use!)}": training measures ${RESERVED.map((name) => `${name}.loss`).join(' and ')} under that name; give it another`,
  )
}

/** Two results under one name would overwrite each other. */
function refuseTwins(resolved: ResolvedRecipe, key: 'eval' | 'exports'): void {
  const names = resolved.recipe[key].map(stageName)
  const twin = names.findIndex((name, i) => names.indexOf(name) < i)
  if (twin < 0) return
  const remedy = key === 'eval' ? 'give one a name of its own' : 'leave one out'
  throw resolved.error(`${key}.${twin}`, `is the second one named "${names[twin]}"; ${remedy}`)
}
