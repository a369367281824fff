/**
 * @file Time of one training step of a model folder, LoRA on all seven projections, at several lengths: prints JSON.
 *   npx tsx --conditions=medtune-source bench/step.ts <model folder> [lengths] [steps] [key=value of the compute plugin ...]
 * With `--reference <python>` the same shape runs in PyTorch fp32 beside it (transformers and peft must be installed there).
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import lora from '../plugins/adapter/lora.ts'
import adamw from '../plugins/optimizer/adamw.ts'
import { OnnxExecutor } from '../src/compute/onnx/index.ts'
import { gemma3 } from '../src/nn/index.ts'
import { buildPrograms, feedsFor } from '../src/train/step.ts'
import { bits } from '../src/util/random.ts'

const words = process.argv.slice(2)
const at = words.indexOf('--reference')
const python = at >= 0 ? words.splice(at, 2)[1] : undefined
const [folder, lengths = '256,512,1024', steps = '5', ...settings] = words
if (folder === undefined)
  throw new Error('usage: bench/step.ts <model folder> [lengths] [steps] [prepack=true ...]')
const chosen = Object.fromEntries(settings.map((word) => word.split('=') as [string, string]))
const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 1, warn: () => {} }

const model = await gemma3(folder)
const adapter = await lora.create({ rank: 16, alpha: 32, targets: 'all-linear', dropout: 0 }, context)
const { train } = buildPrograms(model, adapter.plan(model))
const executor = new OnnxExecutor({
  threads: Number(chosen['threads'] ?? 0),
  prepack: chosen['prepack'] === 'true',
  arena: chosen['arena'] !== 'false',
  provider: 'cpu',
})
const started = performance.now()
const compiled = await executor.compile(train)
await executor.optimizer({
  module: new URL('../plugins/optimizer/adamw.ts', import.meta.url).href,
  name: adamw.name,
  options: { lr: 2e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 },
})
const compileSeconds = (performance.now() - started) / 1000

async function measure(length: number) {
  const grid = (of: (i: number) => number) => Int32Array.from({ length }, (_, i) => of(i))
  const feeds = {
    ids: grid((i) => bits(1, 2, i) % model.vocabSize),
    position: grid((i) => i),
    segment: grid(() => 0),
    branch: grid(() => 0),
    labelSlot: grid((i) => Math.min(i, length - 2)),
    labelId: grid((i) => bits(1, 2, i + 1) % model.vocabSize),
    labelWeight: new Float32Array(length).fill(1 / length),
    gain: Float32Array.of(1),
  }
  const seconds: number[] = []
  const updates: number[] = []
  for (let step = 1; step <= Number(steps); step++) {
    const start = performance.now()
    await compiled.run(feedsFor(train, feeds), { rows: 1, length, labels: length }, true)
    const ran = performance.now()
    await executor.update({ step, lr: 2e-4, clip: 1 })
    seconds.push((performance.now() - start) / 1000)
    updates.push((performance.now() - ran) / 1000)
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
  const step = median(seconds)
  return {
    length,
    step_seconds: step,
    tokens_per_second: length / step,
    update_seconds: median(updates),
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
  }
}

const results = []
for (const length of lengths.split(',').map(Number)) results.push(await measure(length))
await executor.close()
const script = fileURLToPath(new URL('./step_reference.py', import.meta.url))
const reference = python
  ? JSON.parse(spawnSync(python, [script, folder, lengths, steps], { encoding: 'utf8' }).stdout)
  : undefined
console.log(
  JSON.stringify(
    {
      folder,
      settings: chosen,
      compile_seconds: compileSeconds,
      results,
      ...(reference ? { reference } : {}),
    },
    null,
    2,
  ),
)
