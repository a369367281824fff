/**
 * @file Tokens a second of greedy generation, beside transformers.js on the same weights, in turn: prints JSON.
 *   python bench/generate_onnx.py <model folder> <onnx folder>
 *   npx tsx --conditions=medtune-source bench/generate.ts <model folder> <onnx folder> [rows] [prompt tokens] [tokens] [rounds]
 * With `--reference <python>`, PyTorch's too, after them. All sides compute in fp32, by two threads (`--threads <n>`), with
 * packed weights; a round is one call of each, so that a busy machine is as busy for both. `seconds` are those of whole calls,
 * `step` is what a token behind the first takes. Where others use the machine, take `--threads 1` and compare
 * `cpu_seconds`, which do not count the time that others had (with more threads they count waiting, too).
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers'
import { decoderOf } from '../src/compute/generation/index.ts'
import { OnnxExecutor } from '../src/compute/onnx/index.ts'
import { buildGenerator } from '../src/eval/generator.ts'
import { frozen, gemma3 } from '../src/nn/index.ts'
import { bits } from '../src/util/random.ts'

type Answer = (tokens: number) => Promise<number[][]>

const words = process.argv.slice(2)
const flag = (name: string): string | undefined => {
  const at = words.indexOf(name)
  return at >= 0 ? words.splice(at, 2)[1] : undefined
}
const python = flag('--reference')
const THREADS = Number(flag('--threads') ?? 2)
const [folder, onnx, rows = '1', promptTokens = '64', tokens = '64', rounds = '5'] = words
if (folder === undefined || onnx === undefined)
  throw new Error(
    'usage: bench/generate.ts <model folder> <onnx folder> [rows] [prompt tokens] [tokens] [rounds]',
  )

const model = await gemma3(folder)
const prompts = Array.from({ length: Number(rows) }, (_, row) =>
  Array.from({ length: Number(promptTokens) }, (_, i) =>
    i === 0 ? 2 : 7 + (bits(1, row, i) % (Math.min(model.vocabSize, 200_000) - 7)),
  ),
)

async function openOurs(): Promise<{ answer: Answer; close(): Promise<void> }> {
  const executor = new OnnxExecutor({ threads: THREADS, prepack: false, arena: true, provider: 'cpu' })
  const program = buildGenerator(model, frozen)
  const decode = decoderOf(await executor.compile(program), program)
  const sampling = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 }
  const request = {
    prompts: prompts.map((ids) => Int32Array.from(ids)),
    first: 0,
    maxLength: model.maxLength,
    stop: [],
    sampling,
    logProbs: false,
    gain: 0,
    rows: prompts.length,
  }
  const answer: Answer = async (maxTokens) =>
    (await decode({ ...request, maxTokens })).map(({ ids }) => [...ids])
  return { answer, close: () => executor.close() }
}

async function openTheirs(path: string): Promise<Answer> {
  env.allowRemoteModels = false
  const opened = await AutoModelForCausalLM.from_pretrained(resolve(path), {
    dtype: 'fp32',
    device: 'cpu',
    session_options: { intraOpNumThreads: THREADS },
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

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

async function timed(answer: Answer, count: number) {
  const [start, before] = [performance.now(), process.cpuUsage()]
  const ids = await answer(count)
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, ids }
}

function figures(whole: readonly number[], first: readonly number[], cpu: readonly number[] = []) {
  const count = Number(rows) * Number(tokens)
  return {
    tokens_per_second: count / median(whole),
    best_tokens_per_second: count / Math.min(...whole),
    first_token_seconds: median(first),
    step_seconds: (median(whole) - median(first)) / (Number(tokens) - 1),
    seconds: whole,
    ...(cpu.length > 0 && { cpu_seconds: { median: median(cpu), least: Math.min(...cpu) } }),
  }
}

const [ours, theirs] = [await openOurs(), await openTheirs(onnx)]
const sides = { medtune: ours.answer, transformers_js: theirs }
const whole: Record<string, number[]> = { medtune: [], transformers_js: [] }
const first: Record<string, number[]> = { medtune: [], transformers_js: [] }
const cpu: Record<string, number[]> = { medtune: [], transformers_js: [] }
const found: Record<string, number[][]> = {}
for (const answer of Object.values(sides)) await answer(2)
for (let round = 0; round < Number(rounds); round++) {
  for (const [name, answer] of Object.entries(sides)) {
    const { seconds, cpu: used, ids } = await timed(answer, Number(tokens))
    found[name] = ids
    cpu[name]!.push(used)
    whole[name]!.push(seconds)
    first[name]!.push((await timed(answer, 1)).seconds)
  }
}
await ours.close()

const equal = (a: readonly number[][], b: readonly number[][]): number =>
  a
    .flatMap((list, row) => list.map((id, t) => (id === b[row]![t] ? 1 : 0) as number))
    .reduce((x, y) => x + y, 0)

const script = fileURLToPath(new URL('./generate_reference.py', import.meta.url))
const reference = python
  ? (JSON.parse(
      spawnSync(python, [script, folder, JSON.stringify(prompts), tokens, rounds], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      }).stdout,
    ) as { seconds: number[]; first: number[]; ids: number[][] })
  : undefined
const ratios = whole.transformers_js!.map((seconds, i) => seconds / whole.medtune![i]!)
console.log(
  JSON.stringify(
    {
      rows: Number(rows),
      prompt_tokens: Number(promptTokens),
      tokens: Number(tokens),
      medtune: figures(whole.medtune!, first.medtune!, cpu.medtune),
      transformers_js: figures(whole.transformers_js!, first.transformers_js!, cpu.transformers_js),
      faster_than_transformers_js: { median: median(ratios), rounds: ratios },
      cpu_of_transformers_js: median(cpu.medtune!.map((used, i) => used / cpu.transformers_js![i]!)),
      equal_tokens: `${equal(found.medtune!, found.transformers_js!)} of ${Number(rows) * Number(tokens)}`,
      ...(reference && {
        pytorch: figures(reference.seconds, reference.first),
        equal_to_pytorch: `${equal(found.medtune!, reference.ids)} of ${Number(rows) * Number(tokens)}`,
      }),
      peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    },
    null,
    1,
  ),
)
process.exit(0)
