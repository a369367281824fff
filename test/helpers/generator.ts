/** @file A model folder with its generator in onnxruntime, or in the oracle on this thread. */
import { type DecodePrompts, type DecodeRequest, decoderOf } from '../../src/compute/generation/index.ts'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import { buildGenerator } from '../../src/eval/generator.ts'
import { frozen } from '../../src/nn/index.ts'
import type { Attachment, Executor, Model } from '../../src/plugin/contract.ts'

export interface OpenGenerator {
  readonly decode: DecodePrompts
  readonly executor: Executor
  close(): Promise<void>
}

export async function openGenerator(
  model: Model,
  attachment: Attachment = frozen,
  executor: Executor = new OnnxExecutor({ threads: 1, prepack: false, arena: true, provider: 'cpu' }),
): Promise<OpenGenerator> {
  const program = buildGenerator(model, attachment)
  const decode = decoderOf(await executor.compile(program), program)
  return { decode, executor, close: () => executor.close() }
}

export const GREEDY = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 } as const

/** Greedy, 16 rows, nothing that ends an answer but its length. */
export function request(
  prompts: readonly (readonly number[])[],
  more: Partial<DecodeRequest> = {},
): DecodeRequest {
  return {
    prompts: prompts.map((ids) => Int32Array.from(ids)),
    first: 0,
    maxTokens: 64,
    maxLength: 100_000,
    stop: [],
    sampling: GREEDY,
    logProbs: false,
    gain: 0,
    rows: 16,
    ...more,
  }
}
