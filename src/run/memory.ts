/**
 * @file How a run is fitted into memory: rows of a micro-batch and recompute are chosen so that the process stays
 * within its budget. An optimizer step keeps its rows, so what is chosen shows in rounding alone.
 */
import { type EncodedSplit, padded } from '../data/index.ts'
import type { AdapterPlan, Model, Optimizer } from '../plugin/contract.ts'
import { createStage } from '../recipe/create.ts'
import type { ResolvedRecipe, TrainOptions } from '../recipe/recipe.ts'
import type { MemoryChoice } from '../track/provenance.ts'
import { canRecompute } from '../train/step.ts'
import { formatBytes, parseBytes } from '../util/bytes.ts'
import { type NeedContext, needOf } from './memory-need.ts'
import type { RunOptions } from './options.ts'
import type { Warnings } from './record.ts'
import type { RunStages } from './stages.ts'

/** Share of the free memory that a run takes where it is not told: the rest is for what the machine does besides. */
const SHARE = 0.85

/**
 * The first that fits, of: ever smaller micro-batches with all activations kept, then the same with recompute, as far
 * as the recipe leaves it open. Without a budget of its own, a run that fits in no way is warned of and tried.
 * @throws RecipeError where it does not fit into train.memory; where recompute is asked for and the model has no layers
 */
export async function chooseMemory(
  resolved: ResolvedRecipe,
  stages: RunStages,
  model: Model,
  plan: AdapterPlan,
  split: EncodedSplit,
  warn: Warnings['warn'],
  { resume, repeats }: Pick<RunOptions, 'resume' | 'repeats'> = {},
): Promise<MemoryChoice> {
  // What goes on or is repeated must round as it did.
  const known = resume?.record.memory ?? repeats?.memory
  if (known) return known
  const { train } = resolved.recipe
  const layered = canRecompute(model, plan)
  if (train.recompute === true && !layered) {
    throw resolved.error(
      'train.recompute',
      `${resolved.recipe.model.use} does not say where its layers begin, so that their activations cannot be computed again; leave this out`,
    )
  }
  const context = {
    model,
    plan,
    compute: stages.compute,
    optimizer: await createOptimizer(resolved, warn),
    longest: await longestRow(split, train),
    scores: stages.evaluations.length > 0,
  }
  const choices = await foresee(train, context, layered)
  const budget = train.memory === undefined ? freeMemory() : parseBytes(train.memory)!
  const fitting = choices.find(({ expected = 0 }) => expected <= budget)
  const chosen = { ...(fitting ?? choices.at(-1)!), budget }
  if (!fitting) refuse(resolved, chosen, warn)
  return chosen
}

/** Batches as the recipe has them, without a look at memory. */
export function wholeBatches({ batch_size, accumulate, recompute, max_length }: TrainOptions): MemoryChoice {
  return {
    budget: Number.POSITIVE_INFINITY,
    batch_size,
    accumulate,
    tokens: batch_size * padded(max_length),
    recompute: recompute === true,
  }
}

type Foreseen = Omit<MemoryChoice, 'budget'>

/** Ways to cut a step, the fastest first. */
async function foresee(train: TrainOptions, context: NeedContext, layered: boolean): Promise<Foreseen[]> {
  const { recompute, batch_size, accumulate } = train
  const foreseen: Foreseen[] = []
  for (const again of recompute === 'auto' ? [false, ...(layered ? [true] : [])] : [recompute]) {
    const need = await needOf(context, again)
    const cut = (rows: number): Foreseen => ({
      batch_size: rows,
      accumulate: (accumulate * batch_size) / rows,
      tokens: rows * padded(context.longest),
      recompute: again,
    })
    if (!need) return [cut(batch_size)]
    for (const rows of divisors(batch_size)) {
      foreseen.push({ ...cut(rows), expected: need.atMost(rows) })
    }
  }
  return foreseen
}

function refuse(resolved: ResolvedRecipe, { expected = 0 }: MemoryChoice, warn: Warnings['warn']): void {
  const { recompute, max_length } = resolved.recipe.train
  const way = `with one row at a time${recompute === false ? '' : ' and recompute'}`
  const remedies = [
    ...(recompute === false ? ['let train.recompute choose'] : []),
    `lower train.max_length (now ${max_length})`,
    'take a smaller model',
  ]
  const message = `the run is expected to take ${formatBytes(expected)} even ${way}`
  if (resolved.recipe.train.memory !== undefined) {
    throw resolved.error('train.memory', `${message}; raise it, ${remedies.join(' or ')}`)
  }
  warn('memory', `${message}, more than this machine has free: ${remedies.join(' or ')}`)
}

/** Largest first. */
function divisors(count: number): number[] {
  return Array.from({ length: count }, (_, i) => count - i).filter((divisor) => count % divisor === 0)
}

/** Free for this process, with what it has already. */
function freeMemory(): number {
  return SHARE * (process.availableMemory() + process.memoryUsage.rss())
}

/** Of a single window the longest row is known at once; of more it may always be max_length. */
async function longestRow(split: EncodedSplit, { pack, max_length }: TrainOptions): Promise<number> {
  // A row that cannot be tokenised is told of by the run itself.
  const census = split.windows > 1 ? undefined : await split.census.catch(() => undefined)
  return Math.min(max_length, (pack ? census?.tokens : census?.longest) ?? max_length)
}

/** For the size of its state. */
function createOptimizer(resolved: ResolvedRecipe, warn: Warnings['warn']): Promise<Optimizer> {
  return createStage(resolved, 'optimizer', 'optimizer', warn)
}
