/**
 * @file One side of `generate.ts`, in a process of its own: opens a model, says so, and answers each request for so many
 * tokens with what it took.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers'
import { decoderOf } from '../src/compute/generation/index.ts'
import { OnnxExecutor } from '../src/compute/onnx/index.ts'
import { buildGenerator } from '../src/eval/generator.ts'
import { frozen, gemma3 } from '../src/nn/index.ts'

export interface Side {
  readonly name: 'medtune' | 'transformers_js'
  readonly folder: string
  readonly prompts: readonly (readonly number[])[]
  /** undefined: as it ships. */
  readonly threads: number | undefined
}
export interface Timed {
  readonly seconds: number
  readonly cpu: number
  readonly ids: readonly (readonly number[])[]
  /** Most memory that the process held so far. */
  readonly peak: number
}
type Answer = (tokens: number) => Promise<number[][]>

async function medtune({ folder, prompts, threads = 0 }: Side): Promise<Answer> {
  const model = await gemma3(folder)
  const executor = new OnnxExecutor({ threads, prepack: false, arena: true, provider: 'cpu' })
  const program = buildGenerator(model, frozen)
  const decode = decoderOf(await executor.compile(program), program)
  const request = {
    prompts: prompts.map((ids) => Int32Array.from(ids)),
    first: 0,
    maxLength: model.maxLength,
    stop: [],
    sampling: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 },
    logProbs: false,
    gain: 0,
    rows: prompts.length,
  }
  return async (maxTokens) => (await decode({ ...request, maxTokens })).map(({ ids }) => [...ids])
}

async function transformersJs({ folder, prompts, threads = availableParallelism() }: Side): Promise<Answer> {
  env.allowRemoteModels = false
  const opened = await AutoModelForCausalLM.from_pretrained(resolve(folder), {
    dtype: 'fp32',
    device: 'cpu',
    session_options: { intraOpNumThreads: threads },
  })
  const shape = [prompts.length, prompts[0]!.length]
  const grid = (of: (id: number) => bigint) =>
    new Tensor('int64', BigInt64Array.from(prompts.flat(), of), shape)
  // Nothing is to end an answer before its length.
  Object.assign(opened.generation_config!, { eos_token_id: null, do_sample: false })
  return async (maxTokens) => {
    const inputs = { input_ids: grid(BigInt), attention_mask: grid(() => 1n) }
    const made = (await opened.generate({ ...inputs, max_new_tokens: maxTokens } as never)) as Tensor
    const ids = Array.from(made.data as BigInt64Array, Number)
    const width = ids.length / prompts.length
    return prompts.map((prompt, row) => ids.slice(row * width + prompt.length, (row + 1) * width))
  }
}

async function timed(answer: Answer, count: number): Promise<Timed> {
  const [start, before] = [performance.now(), process.cpuUsage()]
  const ids = await answer(count)
  const { user, system } = process.cpuUsage(before)
  const peak = process.resourceUsage().maxRSS * 1024
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, ids, peak }
}

const OPEN = { medtune, transformers_js: transformersJs } as const

process.once('message', async (side: Side) => {
  const answer = await OPEN[side.name](side)
  await answer(2)
  process.on('message', async (tokens: number) => process.send!(await timed(answer, tokens)))
  process.send!('open')
})
