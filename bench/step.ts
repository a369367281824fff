/**
 * @file Time of one training step of a model folder, LoRA on all seven projections, at several lengths: prints JSON.
 *   npx tsx --conditions=medtune-source bench/step.ts <model folder> [lengths] [steps] [option=value of onnxruntime ...]
 * With `--reference <python>` the same shape runs in PyTorch fp32 after it (transformers and peft must be installed there).
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openTraining, settingsOf } from './training.ts'

const words = process.argv.slice(2)
const at = words.indexOf('--reference')
const python = at >= 0 ? words.splice(at, 2)[1] : undefined
const [folder, lengths = '256,512,1024', steps = '5', ...rest] = words
if (folder === undefined)
  throw new Error('usage: bench/step.ts <model folder> [lengths] [steps] [arena=false ...]')
const settings = settingsOf(rest)
const training = await openTraining(folder, settings)
const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!

async function measure(length: number) {
  const seconds: number[] = []
  const updates: number[] = []
  for (let step = 1; step <= Number(steps); step++) {
    const start = performance.now()
    await training.run(length)
    const ran = performance.now()
    await training.update(step)
    seconds.push((performance.now() - start) / 1000)
    updates.push((performance.now() - ran) / 1000)
  }
  return {
    length,
    step_seconds: median(seconds),
    tokens_per_second: length / median(seconds),
    update_seconds: median(updates),
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
  }
}

const results = []
for (const length of lengths.split(',').map(Number)) results.push(await measure(length))
await training.close()
const script = fileURLToPath(new URL('./step_reference.py', import.meta.url))
const reference = python
  ? JSON.parse(spawnSync(python, [script, folder, lengths, steps], { encoding: 'utf8' }).stdout)
  : undefined
const { compileSeconds } = training
console.log(
  JSON.stringify(
    { settings, compile_seconds: compileSeconds, results, ...(reference ? { reference } : {}) },
    null,
    2,
  ),
)
