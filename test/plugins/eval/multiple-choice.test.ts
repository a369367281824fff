import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import loss from '../../../plugins/eval/loss.ts'
import multipleChoice from '../../../plugins/eval/multiple-choice.ts'
import gemma from '../../../plugins/template/gemma.ts'
import { openTokenizer, type Tokenizer } from '../../../src/data/index.ts'
import type {
  ChoiceGroup,
  Evaluation,
  StageContext,
  Subject,
  Template,
} from '../../../src/plugin/contract.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { writeTinyTokenizer } from '../../helpers/tiny-tokenizer.ts'

const folder = tempFolder()
const context: StageContext = {
  recipeDir: folder,
  resolvePath: (path) => join(folder, path),
  seed: 1,
  warn() {},
}
const template = gemma.create({ user: '{q}', model: '{a}' }, context) as Template
let tokenizer: Tokenizer

beforeAll(async () => {
  await writeTinyTokenizer(folder)
  tokenizer = await openTokenizer(folder)
})

const defaults = { question: '{question}', prefix: '', choices: 'options', answer: 'answer' }
const create = async (
  lines: readonly unknown[],
  options: Partial<typeof defaults> & { limit?: number } = {},
) => {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  writeFileSync(join(folder, 'items.jsonl'), text)
  return (await multipleChoice.create(
    { path: 'items.jsonl', ...defaults, ...options },
    context,
  )) as Evaluation
}

/** A model of a kind: it likes a choice by its text. */
const subject = (likes: (choice: string) => number, seen: ChoiceGroup[] = []): Subject => ({
  which: 'base',
  template,
  encode: (spans) => tokenizer.encode(spans),
  opening: tokenizer.opening,
  maxLength: 256,
  holdout: async () => [],
  scoreDocuments: async () => [],
  generate: async () => [],
  async scoreChoices(groups) {
    seen.push(...groups)
    return groups.map(({ choices }) => choices.map((ids) => likes(tokenizer.decode(ids))))
  },
})

const item = { question: 'What helps?', options: ['aspirin', 'rest', 'tea'], answer: 'rest' }

test('the likeliest choice is the answer; a tie goes to the first and is counted', async () => {
  const evaluation = await create([
    item,
    { ...item, answer: 0 },
    { ...item, id: 'x', options: ['tea', 'rest'] },
  ])
  const outcome = await evaluation.evaluate(subject((choice) => (choice.includes('rest') ? -1 : -2)))
  expect(outcome.items.map(({ id, score }) => [id, score])).toEqual([
    ['1', 1],
    ['2', 0],
    ['x', 1],
  ])
  expect(outcome.items[1]!.detail).toEqual({
    prompt: 'What helps?',
    choices: ['aspirin', 'rest', 'tea'],
    logprobs: [-2, -1, -2],
    prediction: 'rest',
    reference: 'aspirin',
  })
  expect(outcome.extra!.chance).toBeCloseTo((1 / 3 + 1 / 3 + 1 / 2) / 3, 12)
  expect(outcome.extra!.ties).toBe(0)
  const tied = await evaluation.evaluate(subject(() => -3))
  expect(tied.items.map(({ score }) => score)).toEqual([0, 1, 0])
  expect(tied.extra!.ties).toBe(3)
})

test('acc_norm divides by the characters of the choice', async () => {
  const evaluation = await create([{ ...item, options: ['a long answer', 'no'], answer: 0 }])
  const outcome = await evaluation.evaluate(subject((choice) => (choice.includes('long') ? -4 : -3)))
  expect(outcome.items[0]!.score).toBe(0)
  expect(outcome.extra!.acc_norm).toBe(1)
})

test('the prompt is shared, ends with the prefix, and its last blank belongs to the choices', async () => {
  const seen: ChoiceGroup[] = []
  const evaluation = await create([item], { prefix: 'Final Answer: ', question: 'Q: {question}' })
  await evaluation.evaluate(subject(() => -1, seen))
  expect(seen).toHaveLength(1)
  expect(tokenizer.decode(seen[0]!.prompt)).toBe(
    '<bos><start_of_turn>user\nQ: What helps?<end_of_turn>\n<start_of_turn>model\nFinal Answer:',
  )
  expect(seen[0]!.choices.map((ids) => tokenizer.decode(ids))).toEqual([' aspirin', ' rest', ' tea'])
})

test('where a choice changes how the prefix is cut, each choice keeps a prompt of its own', async () => {
  const seen: ChoiceGroup[] = []
  // "a" + "nd" is cut as "an", "d": the merge reaches across the end of the prefix.
  const evaluation = await create([{ ...item, options: ['nd', 'x'], answer: 0 }], { prefix: 'a' })
  const outcome = await evaluation.evaluate(subject(() => -1, seen))
  expect(seen).toHaveLength(2)
  expect(seen.map(({ prompt }) => prompt.length)).toEqual([seen[0]!.prompt.length, seen[0]!.prompt.length])
  expect(seen.map(({ prompt }) => tokenizer.decode(prompt).at(-1))).toEqual(['n', 'a'])
  expect(outcome.items).toHaveLength(1)
})

test.each([
  ['{"question": "x", ', /items\.jsonl:1: not valid JSON/],
  ['[1, 2]', /items\.jsonl:1: expected a JSON object/],
  [
    { ...item, options: ['one'] },
    /:1: column "options" must be a list of at least two options, found \["one"\]/,
  ],
  [{ ...item, options: ['a', 'a'] }, /:1: column "options" has the same option twice/],
  [{ ...item, options: ['a', ''] }, /:1: column "options": option 1 must be text, found ""/],
  [{ ...item, answer: 'nap' }, /:1: column "answer" must be an index from 0 to 2 or the text.*found "nap"/],
  [{ ...item, answer: 3 }, /:1: column "answer" must be an index from 0 to 2/],
  [{ options: ['a', 'b'], answer: 0 }, /:1: column "question" is missing; this line has: options, answer/],
])('a bad line is named: %j', async (line, message) => {
  await expect(create([line])).rejects.toThrow(message)
})

test('a file that is empty or absent, and an id that comes twice', async () => {
  await expect(create([])).rejects.toThrow(/items\.jsonl: holds no items/)
  await expect(
    create([
      { ...item, id: 1 },
      { ...item, id: '1' },
    ]),
  ).rejects.toThrow(/:2: id "1" was used/)
  const missing = multipleChoice.create({ path: 'none.jsonl', ...defaults }, context)
  await expect(missing).rejects.toThrow(/none\.jsonl: no such file/)
})

test('limit asks only the first questions', async () => {
  const evaluation = await create([item, item, 'not reached'], { limit: 2 })
  expect((await evaluation.evaluate(subject(() => -1))).items).toHaveLength(2)
})

test('loss is weighted by tokens and needs a holdout', async () => {
  const evaluation = loss.create({}, context) as Evaluation
  const documents = [1, 2].map(() => ({ ids: new Int32Array(3), mask: new Uint8Array(3) }))
  const scores = [
    { sum: -2, tokens: 1 },
    { sum: -7, tokens: 8 },
  ]
  const outcome = await evaluation.evaluate({
    ...subject(() => 0),
    holdout: async () => documents,
    scoreDocuments: async () => scores,
  })
  expect(outcome.items.map(({ score, weight }) => [score, weight])).toEqual([
    [2, 1],
    [7, 8],
  ])
  expect(outcome.extra).toEqual({ perplexity: Math.E, tokens: 9 })
  await expect(evaluation.evaluate(subject(() => 0))).rejects.toThrow(/set dataset\.holdout/)
})
