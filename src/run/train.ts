/** @file Trains: ties the recipe's options, the schedule, the engine and what listens to the loop. */
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { holdoutHook } from '../train/holdout.ts'
import { type Trained, trainLoop } from '../train/loop.ts'
import type { StepHook } from '../train/state.ts'
import type { RunData } from './data.ts'
import type { Engine } from './engine.ts'
import { holdoutLoss } from './evaluate.ts'
import type { RunOptions } from './options.ts'
import type { RunLog } from './record.ts'
import type { RunStages } from './stages.ts'

export function train(
  resolved: ResolvedRecipe,
  { schedule }: RunStages,
  engine: Engine,
  data: RunData,
  log: RunLog,
  { signal, onProgress }: RunOptions,
): Promise<Trained> {
  const { recipe } = resolved
  return trainLoop({
    executor: engine.executor,
    run: engine.train,
    split: data.train,
    options: recipe.train,
    seed: recipe.seed,
    lr: Number(recipe.optimizer.lr),
    schedule,
    hooks: hooksOf(resolved, engine, data, log),
    emit: (event) => log.events.emit(event),
    onProgress: (step, total) => {
      log.folder.progress(step, total)
      onProgress?.({ phase: 'train', done: step, total })
    },
    ...(signal ? { signal } : {}),
  })
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
