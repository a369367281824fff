/** @file The task that docs/evaluation.md walks through is read, asked and refused as the page says. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { evaluate } from '../../src/evaluate.ts'
import { formatProblem, type RecipeError } from '../../src/recipe/errors.ts'
import { writeTaskModel } from '../helpers/task-model.ts'
import { tempFolder } from '../helpers/temp.ts'

const PAGE = readFileSync(resolve(import.meta.dirname, '../../docs/evaluation.md'), 'utf8')
const folder = tempFolder()

/** The first block of the page in a language that has a text. */
function block(language: string, having: string): string {
  const blocks = [...PAGE.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, lang]) => lang === language)
  return blocks.map(([, , text]) => text!).find((text) => text.includes(having))!
}

beforeAll(async () => {
  process.env.MEDTUNE_CACHE = join(folder, 'cache')
  await writeTaskModel(folder)
  writeFileSync(join(folder, 'ward.jsonl'), block('json', '"case"'))
  writeFileSync(join(folder, 'ward.yaml'), block('yaml', 'cluster: case'))
})

const model = join(folder, 'model')
const items = (name: string) =>
  readFileSync(
    join(
      folder,
      'out',
      readdirSync(join(folder, 'out')).find((file) => file.startsWith(name) && file.endsWith('.base.jsonl'))!,
    ),
    'utf8',
  )
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const run = (name: string) =>
  evaluate(model, {
    evaluations: [{ use: 'task', name, task: join(folder, `${name}.yaml`) }],
    out: join(folder, 'out'),
  })

test('the walk-through: two questions about one case, asked as the prompt says', async () => {
  const { scores } = await run('ward')
  expect(scores.ward).toMatchObject({ metric: 'acc', scores: { n: 2, clusters: 1 } })
  const [first, second] = items('ward')
  expect(first.prompt).toBe(
    'A child has fever and a stiff neck.\nWhat comes first?\nA. lumbar puncture\nB. rest\nC. an x-ray\nAnswer:',
  )
  expect([first.reference, second.reference]).toEqual(['A', 'B'])
  expect(first.cluster).toBe('c1')
})

test('the mistake that it shows is told in these words', async () => {
  writeFileSync(join(folder, 'wrong.yaml'), block('yaml', 'cluster: case').replace('"{text}\\n', '"{txt}\\n'))
  const error: RecipeError = await run('wrong').catch((problem) => problem)
  const told = error.problems.map((problem) => formatProblem(problem, folder)).join('\n')
  expect(told).toBe(block('text', 'ward.yaml:2:9').trim().replace('ward.yaml', 'wrong.yaml'))
})

test('answers in words: several samples, read by both rules', async () => {
  writeFileSync(
    join(folder, 'words.yaml'),
    block('yaml', 'rules: [strict, flexible]').replace('max_tokens: 512', 'max_tokens: 6'),
  )
  const { scores } = await run('words')
  expect(scores.words).toMatchObject({
    metric: 'acc',
    scores: { n: 2, unanswered_strict: 2, unfinished: expect.any(Number) },
  })
  const [first] = items('words')
  expect(first.outputs).toHaveLength(5)
  expect(Object.keys(first.also)).toEqual(['flexible', 'mean_of_samples'])
})
