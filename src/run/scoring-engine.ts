/** @file A found model made ready to be evaluated: the scoring program, and the generator once it is asked for. */
import { prepareParameters } from '../compute/index.ts'
import { buildPrograms, feedsFor } from '../train/step.ts'
import type { Asked } from './asked.ts'
import { batchDims, batchFeeds, type Engine, generatorOf } from './engine.ts'

export type ScoringEngine = Pick<Engine, 'score' | 'decode' | 'precision' | 'close'>

/** `signal` stops it between two batches, or two tokens. @throws ExecutorError */
export async function openScoringEngine(asked: Asked, signal?: AbortSignal): Promise<ScoringEngine> {
  const { model, plan, compute, precision } = asked
  const program = buildPrograms(model, plan).score
  await prepareParameters(program.parameters)
  const executor = await compute.open(precision)
  try {
    const compiled = await executor.compile(program)
    return {
      precision,
      async score(batch, gain) {
        signal?.throwIfAborted()
        return (await compiled.run(feedsFor(program, batchFeeds(batch, gain)), batchDims(batch), false))
          .logProb!
      },
      decode: generatorOf(executor, model, plan, signal),
      close: () => executor.close(),
    }
  } catch (error) {
    await executor.close()
    throw error
  }
}
