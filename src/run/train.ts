/** @file Trains: ties the recipe's options, the schedule, the engine and what listens to the loop. */
import type { RunEventBody } from '../plugin/contract.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import type { StepTaken } from '../track/kept-events.ts'
import { lossGuard } from '../train/guards/loss.ts'
import { nonfiniteGuard } from '../train/guards/nonfinite.ts'
import { rateGuard } from '../train/guards/rate.ts'
import { unchangedGuard } from '../train/guards/unchanged.ts'
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
    hooks: hooksOf(resolved, stages, engine, data, log),
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
  { schedule }: RunStages,
  engine: Engine,
  { holdout }: RunData,
  { events, warn }: RunLog,
): readonly StepHook[] {
  const { train, optimizer, checkpoint } = recipe
  const lr = Number(optimizer.lr)
  const guards = [
    nonfiniteGuard(train, checkpoint.every ?? Number.POSITIVE_INFINITY, warn),
    rateGuard(schedule, lr, warn),
    unchangedGuard(engine.executor, lr, warn),
    lossGuard(warn),
  ]
  const every = train.eval_every
  if (every === undefined || holdout === undefined) return guards
  const emit = (event: RunEventBody) => events.emit(event)
  return [...guards, holdoutHook(every, () => holdoutLoss(engine, holdout), emit)]
}
