/** @file The files of a small project: model, tokenizer, rows, questions and a recipe. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeModel } from './make-model.ts'
import { writeTinyTokenizer } from './tiny-tokenizer.ts'

const RECIPE = `name: small
model: { use: gemma3, path: model }
dataset: { use: jsonl, path: rows.jsonl, holdout: 4, decontaminate: off }
template:
  use: gemma
  user: "{q}"
  model: "{a}"
adapter: { use: lora, rank: 4, alpha: 8 }
optimizer: { use: adamw, lr: 5e-2 }
schedule: { use: cosine, warmup: 1 }
train: { steps: 6, batch_size: 4, accumulate: 2, max_length: 128, eval_every: 3 }
eval:
  - loss
  - { use: multiple-choice, name: colours, path: questions.jsonl }
`

/** Writes recipe.yaml, rows.jsonl, questions.jsonl and model/ into an existing folder. */
export async function writeSmallProject(folder: string): Promise<void> {
  const vocabulary = await writeTinyTokenizer(join(folder, 'model'))
  await makeModel(join(folder, 'model'), {
    config: { vocab_size: Object.keys(vocabulary).length },
    std: 0.2,
  })
  const colours = ['red', 'green', 'blue']
  const rows = Array.from({ length: 24 }, (_, i) => ({ q: `colour ${i}?`, a: colours[i % 3] }))
  const questions = rows.slice(0, 9).map(({ q, a }) => ({ question: q, options: colours, answer: a }))
  const lines = (list: readonly object[]): string => list.map((row) => `${JSON.stringify(row)}\n`).join('')
  writeFileSync(join(folder, 'rows.jsonl'), lines(rows))
  writeFileSync(join(folder, 'questions.jsonl'), lines(questions))
  writeFileSync(join(folder, 'recipe.yaml'), RECIPE)
}
