/** @file Trains: ties the recipe's options, the schedule and the engine to the loop. */
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { type StepRecord, trainLoop } from '../train/loop.ts'
import type { RunData } from './data.ts'
import type { Engine } from './engine.ts'
import { holdoutLoss } from './evaluate.ts'
import type { RunOptions } from './options.ts'
import type { RunLog } from './record.ts'
import type { RunStages } from './stages.ts'

export function train(
  { recipe }: ResolvedRecipe,
  { schedule }: RunStages,
  engine: Engine,
  { train: split, holdout }: RunData,
  { events, folder }: RunLog,
  { signal, onProgress }: RunOptions,
): Promise<readonly StepRecord[]> {
  return trainLoop({
    executor: engine.executor,
    run: engine.train,
    split,
    options: recipe.train,
    seed: recipe.seed,
    lr: Number(recipe.optimizer.lr),
    schedule,
    ...(holdout ? { holdoutLoss: () => holdoutLoss(engine, holdout) } : {}),
    emit: (event) => events.emit(event),
    onProgress: (step, total) => {
      folder.progress(step, total)
      onProgress?.({ phase: 'train', done: step, total })
    },
    ...(signal ? { signal } : {}),
  })
}
