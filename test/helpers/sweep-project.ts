/** @file A project whose trials take about a second: a model of a few thousand weights, and a sweep over its LoRA. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeModel } from './make-model.ts'
import { writeTinyTokenizer } from './tiny-tokenizer.ts'

const RECIPE = `name: tiny
model: { use: gemma3, path: model }
dataset: { use: jsonl, path: rows.jsonl, holdout: 4 }
template: { use: gemma, user: "{q}", model: "{a}" }
adapter: { use: lora, rank: 4, alpha: 8 }
optimizer: { lr: 1e-2 }
compute: { use: onnxruntime, threads: 1 }
train: { steps: 6, batch_size: 4, max_length: 64, eval_every: 2 }
`

export interface SweepProject {
  /** Lines of the sweep file beside those below. */
  readonly sweep?: string
  readonly steps?: number
}

const SWEEP = `name: tiny-sweep
recipe: recipe.yaml
metric: { name: holdout.loss, goal: minimize }
parameters:
  adapter.rank: [2, 4, 8]
  adapter.alpha: [4, 8, 16]
  optimizer.lr: { distribution: log_uniform_values, min: 1e-4, max: 1e-1 }
`

/** Writes recipe.yaml, sweep.yaml, rows.jsonl and model/ into `folder`; returns the sweep's file. */
export async function makeSweepProject(folder: string, options: SweepProject = {}): Promise<string> {
  await mkdir(folder, { recursive: true })
  const vocabulary = await writeTinyTokenizer(join(folder, 'model'))
  await makeModel(join(folder, 'model'), {
    config: { vocab_size: Object.keys(vocabulary).length, num_hidden_layers: 1 },
    std: 0.2,
  })
  const colours = ['red', 'green', 'blue']
  const rows = Array.from({ length: 24 }, (_, i) => JSON.stringify({ q: `colour ${i}?`, a: colours[i % 3] }))
  await writeFile(join(folder, 'rows.jsonl'), `${rows.join('\n')}\n`)
  await writeFile(join(folder, 'recipe.yaml'), RECIPE.replace('steps: 6', `steps: ${options.steps ?? 6}`))
  const file = join(folder, 'sweep.yaml')
  await writeFile(file, SWEEP + (options.sweep ?? 'method: random\nrun_cap: 4\nworkers: 2\n'))
  return file
}
