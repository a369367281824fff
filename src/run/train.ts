/** @file Trains: ties the recipe's options, the schedule, the engine and what listens to the loop. */
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import type { StepTaken } from '../track/kept-events.ts'
import { holdoutHook } from '../train/holdout.ts'
import { type Loop, trainLoop } from '../train/loop.ts'
import type { StepHook, TrainState } from '../train/state.ts'
import { loadTensors } from '../train/tensors.ts'
import { Stopped } from '../util/stopped.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { RunData } from './data.ts'
import type { Engine } from './engine.ts'
import { holdoutLoss } from './evaluate.ts'
import type { RunOptions } from './options.ts'
import type { RunLog } from './record.ts'
import type { RunStages } from './stages.ts'

/** What training came to, over all the processes that worked on the run. */
export interface Training {
  /** One for each step, in order. */
  readonly records: readonly StepTaken[]
  readonly state: TrainState
}

/**
 * Trains to the end, from where the run stood if it goes on. Stopped in the middle of a step it falls back to the
 * last one that was finished, and saves that.
 */
export async function train(
  resolved: ResolvedRecipe,
  stages: RunStages,
  engine: Engine,
  data: RunData,
  log: RunLog,
  checkpoints: Checkpoints,
  { signal, onProgress }: RunOptions,
): Promise<Training> {
  const { recipe } = resolved
  const from = log.resume?.checkpoint
  if (from) {
    await engine.prepareTraining()
    await loadTensors(from.path, engine.executor)
  }
  const loop: Loop = {
    executor: engine.executor,
    run: engine.train,
    split: data.train,
    options: recipe.train,
    seed: recipe.seed,
    lr: Number(recipe.optimizer.lr),
    schedule: stages.schedule,
    hooks: hooksOf(resolved, engine, data, log),
    keeper: checkpoints,
    ...(from ? { from: from.state.train } : {}),
    emit: (event) => log.events.emit(event),
    onProgress: (step, total) => {
      log.folder.progress(step, total)
      onProgress?.({ phase: 'train', done: step, total })
    },
    ...(signal ? { signal } : {}),
  }
  try {
    const { records, state } = await trainLoop(loop)
    return { records: [...log.kept.steps, ...records], state }
  } catch (error) {
    if (error instanceof Stopped) await checkpoints.interrupted()
    throw error
  }
}

/** Who listens between two steps, in the order in which they are asked. */
function hooksOf(
  { recipe }: ResolvedRecipe,
  engine: Engine,
  { holdout }: RunData,
  { events }: RunLog,
): readonly StepHook[] {
  const every = recipe.train.eval_every
  if (every === undefined || holdout === undefined) return []
  return [
    holdoutHook(
      every,
      () => holdoutLoss(engine, holdout),
      (event) => events.emit(event),
    ),
  ]
}
