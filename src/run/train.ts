/** @file Trains: ties the recipe's options, the schedule, the engine and what listens to the loop. */
import type { StepTaken } from '../track/kept-events.ts'
import { type Loop, trainLoop } from '../train/loop.ts'
import type { TrainState } from '../train/state.ts'
import { loadTensors } from '../train/tensors.ts'
import { Stopped } from '../util/stopped.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { EvaluateContext } from './evaluate.ts'
import { hooksOf } from './hooks.ts'
import type { RunOptions } from './options.ts'
import { openSamples } from './samples.ts'

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
  context: EvaluateContext,
  checkpoints: Checkpoints,
  { signal, onProgress }: RunOptions,
): Promise<Training> {
  const { recipe, stages, engine, data, log } = context
  const { batch_size, accumulate } = engine.memory
  const from = log.resume?.checkpoint
  if (from) {
    await engine.prepareTraining()
    await loadTensors(from.path, engine.executor)
  }
  const samples = openSamples(context)
  if (!from) await samples?.before()
  const loop: Loop = {
    executor: engine.executor,
    run: engine.train,
    split: data.train,
    options: { ...recipe.train, batch_size, accumulate },
    seed: recipe.seed,
    lr: Number(recipe.optimizer.lr),
    schedule: stages.schedule,
    hooks: [...hooksOf(context), ...(samples ? [samples.hook] : [])],
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
