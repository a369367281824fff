/** @file Rows in the forms that people bring, from a recipe to a plan and a run. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { plan } from '../../src/plan.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { run } from '../../src/run.ts'
import { smallProject } from './project.ts'

let project: string

beforeAll(async () => {
  project = await smallProject()
  const colours = ['red', 'green', 'blue']
  const conversation = (i: number) => ({
    conversations: [
      { from: 'human', value: `colour ${i}?` },
      { from: 'gpt', value: colours[i % 3] },
      { from: 'human', value: 'sure?' },
      { from: 'gpt', value: 'red' },
    ],
  })
  const rows = Array.from({ length: 24 }, (_, i) => JSON.stringify(conversation(i)))
  writeFileSync(join(project, 'chats.jsonl'), rows.slice(0, 20).join('\n'))
  writeFileSync(join(project, 'own.jsonl'), rows.slice(20).join('\n'))
  writeFileSync(
    join(project, 'chats.yaml'),
    `model: { use: gemma3, path: model }
dataset: { use: jsonl, path: chats.jsonl, validation: own.jsonl }
template: gemma
adapter: { use: lora, rank: 4 }
optimizer: { use: adamw, lr: 1e-2 }
train: { steps: 2, batch_size: 2, max_length: 128, eval_every: 1 }
eval: [loss]
`,
  )
})

const recipe = (...overrides: string[]) => loadRecipe(join(project, 'chats.yaml'), overrides)

test('plan shows the form and what is learned of it', async () => {
  const all = await plan(await recipe())
  expect(all.form).toBe('sharegpt')
  expect(all.census.holdout).toMatchObject({ rows: 4, documents: 4 })
  const learned = ({ samples }: typeof all) =>
    samples[0]!.runs.filter(({ train }) => train).map(({ text }) => text)
  expect(learned(all)).toEqual(['red<end_of_turn>\n', 'red<end_of_turn>\n'])
  const last = await plan(await recipe('template={use: gemma, loss_on: last}'))
  expect(learned(last)).toEqual(['red<end_of_turn>\n'])
  expect(last.census.train.labelTokens).toBeLessThan(all.census.train.labelTokens)
})

test('plan says of each row that it shows what becomes of it', async () => {
  const long = 'colour '.repeat(100)
  const chat = (from: string, to: string) =>
    JSON.stringify({
      conversations: [
        { from: 'human', value: from },
        { from: 'gpt', value: to },
      ],
    })
  const rows = [
    chat('colour 1?', 'red'),
    chat('colour 2?', long),
    chat(long, 'red'),
    chat('colour 3?', 'red'),
  ]
  writeFileSync(join(project, 'mixed.jsonl'), rows.join('\n'))
  const shown = async (over_length: string) => {
    const mixed = `dataset={use: jsonl, path: ${join(project, 'mixed.jsonl')}}`
    const { samples, census } = await plan(
      await recipe(
        mixed,
        'eval=[]',
        'train={steps: 2, batch_size: 2, max_length: 128}',
        `train.over_length=${over_length}`,
      ),
    )
    return { fates: samples.map(({ fate }) => fate), tokens: samples.map(({ tokens }) => tokens), census }
  }
  const cut = await shown('truncate')
  expect(cut.fates).toEqual(['kept', 'truncated', 'unlabelled'])
  expect(cut.tokens[1]).toBe(128)
  const dropped = await shown('drop')
  expect(dropped.fates).toEqual(['kept', 'dropped', 'dropped'])
  expect(dropped.tokens[1]).toBeGreaterThan(128)
  expect(dropped.census.train).toMatchObject({ rows: 4, documents: 2, dropped: 2, truncated: 0 })
})

test('a run learns from them and scores the validation file', async () => {
  const report = await run(await recipe(), { runsDir: join(project, 'runs') })
  expect(report.census.holdout).toMatchObject({ rows: 4 })
  expect(report.eval.loss!.base).toMatchObject({ n: 4 })
})

test.each([
  [
    'dataset.path=rows.jsonl',
    /template: the first row has columns q, a, which is no form that is recognised/,
  ],
  ['template=plain', /template: the first row is in the form sharegpt .*take a chat template/],
  [
    'template.form=alpaca',
    /template\.form: the dataset has no column "instruction"|template: the dataset has no column "instruction"/,
  ],
  ['dataset.holdout=2', /dataset\.holdout: would hold out rows beside those of dataset\.validation/],
  ['dataset.validation=none.jsonl', /dataset\.validation: no such file/],
])('refused at its place: %s', async (override, message) => {
  const cwd = process.cwd()
  process.chdir(project)
  try {
    await expect(recipe(override).then((resolved) => plan(resolved))).rejects.toThrow(message)
  } finally {
    process.chdir(cwd)
  }
})
