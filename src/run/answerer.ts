/** @file A found model made ready: an executor with its generator, and nothing else. */
import { decoderOf } from '../compute/generation/index.ts'
import { prepareParameters } from '../compute/index.ts'
import { createGenerator } from '../eval/generate.ts'
import { buildGenerator } from '../eval/generator.ts'
import { stopTokens } from '../eval/stop-tokens.ts'
import type { Subject } from '../plugin/contract.ts'
import type { Asked } from './asked.ts'
import { GAIN } from './engine.ts'

export interface Answerer {
  readonly generate: Subject['generate']
  close(): Promise<void>
}

/** @throws ExecutorError */
export async function openAnswerer(asked: Asked): Promise<Answerer> {
  const { model, template, tokenizer, plan, compute, precision, which } = asked
  const program = buildGenerator(model, plan.attachment)
  await prepareParameters(program.parameters)
  const executor = await compute.open(precision)
  try {
    const generate = createGenerator({
      decode: decoderOf(await executor.compile(program), program),
      tokenizer,
      stopTokens: stopTokens(model, tokenizer, template),
      maxLength: model.maxLength,
      gain: GAIN[which],
    })
    return { generate, close: () => executor.close() }
  } catch (error) {
    await executor.close()
    throw error
  }
}
