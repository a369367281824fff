import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import gemma from '../../../plugins/template/gemma.ts'
import { openTokenizer, type Tokenizer } from '../../../src/data/index.ts'
import type {
  ChoiceGroup,
  Evaluation,
  GenerateOptions,
  Subject,
  Template,
} from '../../../src/plugin/contract.ts'
import { createStage } from '../../../src/recipe/create.ts'
import { formatProblem, type RecipeError } from '../../../src/recipe/errors.ts'
import { loadRecipe } from '../../../src/recipe/recipe.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { writeTinyTokenizer } from '../../helpers/tiny-tokenizer.ts'

const SHARED = resolve(import.meta.dirname, '../../../../shared/data/benchmarks')
const folder = tempFolder()
let tokenizer: Tokenizer
let template: Template

beforeAll(async () => {
  await writeTinyTokenizer(folder)
  tokenizer = await openTokenizer(folder)
  template = gemma.create({ user: '{q}', model: '{a}' }, {} as never) as Template
})

const warned: string[] = []
const ROWS = [
  { id: 'a', q: 'one', list: ['red', 'tan'], right: 1, passage: 'x' },
  { id: 'b', q: 'two', list: ['red', 'tan'], right: 2, passage: 'x' },
  { id: 'c', q: 'three', list: ['red', 'tan'], right: 1, passage: 'y' },
]
const TASK = `dataset: { use: jsonl, path: rows.jsonl }
id: id
prompt: "{q}?\\n- {list.0}\\n- {list.1}\\nAnswer:"
choices: [A, B]
options: list
answer: right
answer_from: 1
metrics: [acc, acc_norm]
`

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

/** The first evaluation of a recipe that names it. */
async function open(use: string, task = TASK, rows: readonly object[] = ROWS): Promise<Evaluation> {
  write('my.yaml', task)
  write('rows.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const model =
    'model: { use: gemma3, path: . }\ndataset: { use: jsonl, path: rows.jsonl }\ntemplate: plain\n'
  write('recipe.yaml', `${model}eval: [${use}]\n`)
  const resolved = await loadRecipe(join(folder, 'recipe.yaml'))
  return createStage(resolved, 'eval', 'eval.0', (_code, message) => void warned.push(message))
}

/** A model of a kind: it likes a choice by its text. */
const subject = (likes: (choice: string, prompt: string) => number, seen: ChoiceGroup[] = []): Subject => ({
  which: 'base',
  template,
  opening: tokenizer.opening,
  maxLength: 256,
  encode: (spans) => tokenizer.encode(spans),
  holdout: async () => [],
  scoreDocuments: async () => [],
  generate: async () => [],
  async scoreChoices(groups) {
    seen.push(...groups)
    return groups.map(({ prompt, choices }) =>
      choices.map((ids) => likes(tokenizer.decode(ids), tokenizer.decode(prompt))),
    )
  },
})

test('a task of the user: the prompt as it is, one group a question, a line an item', async () => {
  const seen: ChoiceGroup[] = []
  const evaluation = await open('{ use: task, task: ./my.yaml }')
  const outcome = await evaluation.evaluate(subject((choice) => (choice === ' A' ? -1 : -2), seen))
  expect(seen.map(({ prompt }) => tokenizer.decode(prompt))).toEqual(
    ROWS.map(({ q }) => `${q}?\n- red\n- tan\nAnswer:`),
  )
  expect(seen[0]!.choices.map((ids) => tokenizer.decode(ids))).toEqual([' A', ' B'])
  expect(outcome).toMatchObject({ metric: 'acc', better: 'higher', extra: { chance: 0.5, ties: 0 } })
  expect(outcome.items.map(({ id, score }) => [id, score])).toEqual([
    ['a', 1],
    ['b', 0],
    ['c', 1],
  ])
  expect(outcome.items[1]).toEqual({
    id: 'b',
    score: 0,
    weight: 1,
    also: { acc_norm: 0 },
    detail: {
      prompt: 'two?\n- red\n- tan\nAnswer:',
      choices: ['A', 'B'],
      logprobs: [-1, -2],
      prediction: 'A',
      reference: 'B',
    },
  })
})

test('as a chat turn: no blank before the choice, and the line break of the turn is scored with it', async () => {
  const seen: ChoiceGroup[] = []
  const evaluation = await open(
    '{ use: task, task: ./my.yaml, chat: true, limit: 1 }',
    `${TASK}system: "Be brief."\n`,
  )
  await evaluation.evaluate(subject(() => -1, seen))
  expect(tokenizer.decode(seen[0]!.prompt)).toBe(
    '<bos><start_of_turn>user\nBe brief.\n\none?\n- red\n- tan\nAnswer:<end_of_turn>\n<start_of_turn>model',
  )
  expect(seen[0]!.choices.map((ids) => tokenizer.decode(ids))).toEqual(['\nA', '\nB'])
})

test('few-shot examples: drawn as Python draws them, never the question itself', async () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({
    ...ROWS[0]!,
    id: String(i),
    q: `q${i}`,
    right: 1 + (i % 2),
  }))
  const seen: ChoiceGroup[] = []
  const evaluation = await open('{ use: task, task: ./my.yaml, fewshot: 2, limit: 3 }', TASK, rows)
  await evaluation.evaluate(subject(() => -1, seen))
  // random.Random(1234).sample(range(30), 3) gives 24, 14, 3, then 0, 2, 29: one too many, in case the question is among them.
  const example = (i: number) => `q${i}?\n- red\n- tan\nAnswer: ${i % 2 === 0 ? 'A' : 'B'}\n\n`
  const drawn = seen.map(({ prompt }) => tokenizer.decode(prompt))
  expect(drawn[0]).toBe(`${example(24)}${example(14)}q0?\n- red\n- tan\nAnswer:`)
  expect(drawn[1]).toBe(`${example(0)}${example(2)}q1?\n- red\n- tan\nAnswer:`)
  expect(drawn[2]).not.toMatch(/q2\?.*q2\?/s)
  const first = await open(
    '{ use: task, task: ./my.yaml, fewshot: 2 }',
    `${TASK}fewshot: { sampler: first }\n`,
    rows,
  )
  await first.evaluate(subject(() => -1, seen))
  expect(tokenizer.decode(seen[3]!.prompt)).toBe(`${example(1)}${example(2)}q0?\n- red\n- tan\nAnswer:`)
  expect(tokenizer.decode(seen[10]!.prompt)).toBe(`${example(0)}${example(1)}q7?\n- red\n- tan\nAnswer:`)
})

test('items that share a passage are clusters; a group counts every item alike', async () => {
  write('other.yaml', 'extends: ./my.yaml\nmetrics: [acc]\ncluster: passage\n')
  write('group.yaml', 'tasks: [./my.yaml, ./other.yaml]\n')
  const evaluation = await open('{ use: task, task: ./group.yaml }')
  const { items, metric, extra } = await evaluation.evaluate(subject((choice) => (choice === ' A' ? -1 : -2)))
  expect(metric).toBe('acc')
  expect(items.map(({ id, part, cluster }) => [id, part, cluster])).toEqual([
    ['my/a', 'my', undefined],
    ['my/b', 'my', undefined],
    ['my/c', 'my', undefined],
    ['other/a', 'other', 'other/x'],
    ['other/b', 'other', 'other/x'],
    ['other/c', 'other', 'other/y'],
  ])
  expect(extra).toEqual({ chance: 0.5, ties: 0 })
})

test('a prompt that is too long loses its beginning, for each choice as much as it needs', async () => {
  const seen: ChoiceGroup[] = []
  const long = [{ ...ROWS[0]!, q: 'long '.repeat(200) }]
  const evaluation = await open('{ use: task, task: ./my.yaml }', TASK, long)
  const { extra, items } = await evaluation.evaluate(subject(() => -1, seen))
  expect(extra!.cut_prompts).toBe(1)
  expect(items).toHaveLength(1)
  for (const { prompt, choices } of seen) {
    expect(prompt.length + choices[0]!.length - 1).toBe(256)
    expect(tokenizer.decode(prompt).endsWith('Answer:')).toBe(true)
  }
})

test.each([
  ['prompt: "{q}', /my\.yaml:\d+:\d+ .*quote/],
  [TASK.replace('prompt:', 'promt:'), /my\.yaml:3:1 {2}promt: unknown key; did you mean "prompt"/],
  [
    TASK.replace('{q}', '{w}'),
    /my\.yaml:3:9 {2}prompt: the dataset has no column "w".*its columns: id, q, list/,
  ],
  [
    TASK.replace('{q}', '{w}').concat('other_columns: { my_source: "if this is the other file" }\n'),
    /no column "w".*its columns: .*; if this is the other file: take my_source/,
  ],
  [TASK.replace('{q}', '{q'), /my\.yaml:3:9 {2}prompt: a lone "\{" at character 1/],
  [TASK.replace('{q}', '{list}'), /my\.yaml:3:9 {2}prompt: item 1 \(a\): field "list" is a list/],
  [
    TASK.replace('choices: [A, B]\n', ''),
    /my\.yaml:3:9 {2}prompt: a task needs choices with an answer, or a target/,
  ],
  [TASK.replace('[A, B]', '[A]'), /my\.yaml:4:10 {2}choices: must have at least 2 items/],
  [TASK.replace('[A, B]', '[A, A]'), /my\.yaml:4:10 {2}choices: item 1 \(a\): the same one twice/],
  [TASK.replace('[A, B]', 'none'), /my\.yaml:4:10 {2}choices: the dataset has no column "none"/],
  [
    TASK.replace('[A, B]', 'q'),
    /my\.yaml:4:10 {2}choices: item 1 \(a\): column "q" must be a list, found "one"/,
  ],
  [TASK.replace('[A, B]', '[A, B, C]'), /my\.yaml:5:10 {2}options: item 1 \(a\): are 2 for 3 choices/],
  [
    TASK.replace('answer_from: 1', 'answer_from: 0'),
    /my\.yaml:6:9 {2}answer: item 2 \(b\): column "right" must be a number from 0 to 1 .* found 2/,
  ],
  [TASK.replace('answer: right\n', ''), /my\.yaml:4:10 {2}choices: need "answer" beside them/],
  [
    TASK.replace('acc_norm', 'rouge_l'),
    /metrics\.1: "rouge_l" does not go with choices; allowed: acc, acc_norm/,
  ],
  [
    TASK.replace('jsonl', 'jsonn'),
    /my\.yaml:1:17 {2}dataset\.use: no dataset plugin is named "jsonn"; did you mean "json"/,
  ],
  [TASK.replace('path:', 'pth:'), /my\.yaml:1:24 {2}dataset\.pth: unknown key; did you mean "path"/],
  [TASK.replace('rows.jsonl', 'no.jsonl'), /my\.yaml:1:30 {2}dataset\.path: no such file/],
  [TASK.replace('id: id', 'id: passage'), /my\.yaml:2:5 {2}id: item 2: id "x" was used before/],
  [`${TASK}tasks: [medmcqa]\n`, /my\.yaml:1:1\d? {2}dataset: does not go with tasks/],
  ['tasks: [medmcqs]\n', /tasks\.0: no task named "medmcqs" ships .*did you mean "medmcqa"/],
  ['', /my\.yaml:1:1 {2}the file is empty; a task needs at least a dataset and a prompt/],
  [`${TASK}target: "{q}"\n`, /target: does not go with choices/],
])('a task that does not fit is told where: %#', async (task, message) => {
  const error: RecipeError = await open('{ use: task, task: ./my.yaml }', task).catch((problem) => problem)
  expect(error.name).toBe('RecipeError')
  expect(error.problems.map((problem) => formatProblem(problem, folder)).join('\n')).toMatch(message)
})

test('an empty set, a name that does not exist, options that do not go together', async () => {
  await expect(open('{ use: task, task: ./my.yaml }', TASK, [])).rejects.toThrow(/holds no rows/)
  await expect(open('{ use: task, task: medmcqa2 }')).rejects.toThrow(
    /recipe\.yaml:4:\d+ {2}eval\.0\.task: no task named "medmcqa2" ships.*did you mean "medmcqa"; allowed: medmcqa, /,
  )
  await expect(open('{ use: task, task: ./none.yaml }')).rejects.toThrow(/none\.yaml/)
  await expect(open('{ use: multimedqa, path: rows.jsonl }')).rejects.toThrow(
    /eval\.0\.path: belongs to one task/,
  )
  write('ids.txt', 'z\n')
  await expect(open('{ use: task, task: ./my.yaml, ids: ids.txt }')).rejects.toThrow(
    /there is nothing to ask: none of its 3 rows has an id of/,
  )
  // A list that the recipe names is a mistake of the recipe, not of the task.
  await expect(open('{ use: task, task: ./my.yaml, ids: gone.txt }')).rejects.toThrow(
    /recipe\.yaml:4:\d+ {2}eval\.0\.ids: no such file: \S*gone\.txt/,
  )
  await expect(open('{ use: task, task: ./my.yaml, fewshot: 3 }')).rejects.toThrow(
    /eval\.0\.fewshot: asks for 3 examples of 3/,
  )
})

const GENERATED = `extends: ./base.yaml
ask: generate
metrics: [acc]
`

/** A model that writes; `texts` by prompt. */
const writer = (
  texts: (prompt: string, number: number) => string,
  seen: GenerateOptions[] = [],
): Subject => ({
  ...subject(() => 0),
  async generate(prompts, options) {
    seen.push(options)
    return prompts.map((ids, i) => {
      const text = texts(tokenizer.decode(ids), i)
      return { ids: Int32Array.of(1), text, finish: text.endsWith('...') ? 'length' : 'stop' }
    })
  },
})

test('a model that writes: strict and flexible on one output, unanswered counted apart', async () => {
  write('base.yaml', TASK)
  const evaluation = await open('{ use: task, task: ./my.yaml }', GENERATED)
  const texts = ['The answer is A.', 'tan, I would say', '...']
  const seen: GenerateOptions[] = []
  const prompts: string[] = []
  const model = writer((prompt, i) => {
    prompts.push(prompt)
    return texts[i]!
  }, seen)
  const { items, extra, metric } = await evaluation.evaluate(model)
  expect(metric).toBe('acc')
  expect(prompts[0]).toBe(
    '<bos><start_of_turn>user\none?\n- red\n- tan\nAnswer:<end_of_turn>\n<start_of_turn>model\n',
  )
  expect(seen).toEqual([{ max_tokens: 512, temperature: 0, top_k: 0, top_p: 1, stop: [], seed: 42 }])
  expect(items.map(({ score, also }) => [score, also!.flexible])).toEqual([
    [1, 1],
    [0, 1],
    [0, 1],
  ])
  expect(extra).toMatchObject({
    unanswered_strict: 2,
    unanswered_flexible: 0,
    flexible_by_text: 1,
    flexible_by_similarity: 1,
    unfinished: 1,
  })
  expect(items[1]!.detail).toMatchObject({
    outputs: ['tan, I would say'],
    prediction: null,
    prediction_flexible: 'B',
    reference: 'B',
  })
})

test('several samples vote, and their mean stands beside the vote', async () => {
  write('base.yaml', TASK)
  const settings = 'rules: [strict]\ngenerate: { samples: 3, temperature: 0.5, max_tokens: 9 }\n'
  const evaluation = await open('{ use: task, task: ./my.yaml, limit: 1 }', GENERATED + settings)
  const said = ['The answer is B.', 'The answer is A.', 'The answer is A.']
  const { items } = await evaluation.evaluate(writer((_, i) => said[i]!))
  expect(items[0]).toMatchObject({ score: 1, also: { mean_of_samples: 2 / 3 }, detail: { outputs: said } })
  await expect(
    open('{ use: task, task: ./my.yaml }', `${GENERATED}generate: { samples: 3 }\n`),
  ).rejects.toThrow(/generate\.samples: are all the same at temperature 0/)
  await expect(
    open('{ use: task, task: ./my.yaml }', GENERATED.replace('[acc]', '[acc_norm]')),
  ).rejects.toThrow(/metrics\.0: "acc_norm" does not go with ask: generate|divides a log-probability/)
})

test('free text is compared with its target', async () => {
  const task =
    'dataset: { use: jsonl, path: rows.jsonl }\nask: generate\nprompt: "{q}"\ntarget: "{passage} and more"\nmetrics: [rouge_l, f1, exact_match]\n'
  const evaluation = await open('{ use: task, task: ./my.yaml, limit: 2 }', task)
  const { items, metric, extra } = await evaluation.evaluate(writer((_, i) => (i === 0 ? 'X and more' : 'x')))
  expect(metric).toBe('rouge_l')
  expect(items[0]).toMatchObject({ score: 1, also: { f1: 1, exact_match: 1 } })
  expect(items[1]).toMatchObject({ score: 0.5, also: { f1: 0.5, exact_match: 0 } })
  expect(items[1]!.detail).toMatchObject({ prompt: 'two', prediction: 'x', reference: 'x and more' })
  expect(extra).toEqual({ unfinished: 0 })
  await expect(open('{ use: task, task: ./my.yaml }', task.replace('ask: generate\n', ''))).rejects.toThrow(
    /target: is compared with what the model writes: set ask: generate/,
  )
})

test('the judge is refused where it could not work', async () => {
  const judge = (more: string) => open(`{ use: judge, task: ./my.yaml, model: m, ${more} }`)
  await expect(judge('url: "ftp://x"')).rejects.toThrow(/url.*does not match/)
  await expect(judge('url: "http://127.0.0.1:1", key_env: NO_SUCH_KEY_HERE')).rejects.toThrow(
    /key_env: NO_SUCH_KEY_HERE is not set/,
  )
  await expect(judge('url: "http://127.0.0.1:1", prompt: "grade"')).rejects.toThrow(/does not show the judge/)
  await expect(judge('url: "http://127.0.0.1:1"')).rejects.toThrow(/writes nothing to judge/)
})

test('a half by rule: of other rows all are asked, and that is told', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  const rows = ids.map((id, i) => ({ ...ROWS[0]!, id, right: 1 + (i % 2) }))
  const lines = rows.map(({ id, right }) => `${id}\t${right}`)
  const sha256 = createHash('sha256').update(lines.join('\n')).digest('hex')
  const task = `${TASK}half: { by: right, values: ["1", "2"], rows: ${sha256} }\n`
  const asked = async (some: readonly object[]) => {
    warned.length = 0
    const outcome = await (await open('{ use: task, task: ./my.yaml }', task, some)).evaluate(
      subject(() => -1),
    )
    return outcome.items.map(({ id }) => id)
  }
  // Python, random.seed(0): [a, c, e] becomes [a, e, c], and then [b, d] becomes [d, b].
  expect(await asked(rows)).toEqual(['b', 'c'])
  expect(warned).toEqual([])
  expect(await asked(rows.slice(1))).toEqual(['b', 'c', 'd', 'e'])
  expect(warned).toEqual([expect.stringMatching(/my: all 4 rows are asked/)])
  // With another answer a row would be shuffled among others.
  expect(await asked(rows.map((row, i) => (i === 4 ? { ...row, right: 2 } : row)))).toEqual(ids)
  expect(warned).toEqual([expect.stringMatching(/my: all 5 rows are asked/)])
  write('half.txt', 'a\nc\n')
  const testOf = async (options: string, some: readonly object[] = rows) =>
    (await open(`{ use: task, task: ./my.yaml${options} }`, task, some)).test
  expect(await testOf('')).toBe('the test half of my')
  // The same rows from a file that the recipe names are the same test set; others, and items by a list, are not.
  expect(await testOf(', path: ./rows.jsonl')).toBe('the test half of my')
  expect(await testOf(', path: ./rows.jsonl', rows.slice(1))).toBeUndefined()
  expect(await testOf(', ids: half.txt')).toBeUndefined()
})

const medmcqa = join(SHARED, 'medmcqa/dev.json')
const pubmedqa = join(SHARED, 'pubmedqa')
const skipped = existsSync(medmcqa) ? false : 'no folder shared beside the project'
if (skipped) console.log(`tasks on real data: skipped, ${skipped}`)

test.skipIf(skipped)('MedMCQA and PubMedQA from the files of their authors', async () => {
  // A character a token: what counts here are the files.
  const byCharacter = (liked: string): Subject => ({
    ...subject(() => 0),
    encode: (spans) => {
      const ids = Int32Array.from(spans.map(({ text }) => text).join(''), (char) => char.charCodeAt(0))
      return { ids, mask: new Uint8Array(ids.length) }
    },
    scoreChoices: async (groups) =>
      groups.map(({ choices }) => choices.map((ids) => (String.fromCharCode(...ids) === liked ? -1 : -2))),
  })
  const exam = await open(`{ use: medmcqa, path: ${medmcqa}, answer_from: 1 }`)
  const one = await exam.evaluate({ ...byCharacter(' A'), maxLength: 1e6 })
  expect(one.items).toHaveLength(4183)
  // The majority answer A is right in 32.2 % of them.
  expect(one.items.reduce((total, { score }) => total + score, 0) / 4183).toBeCloseTo(0.322, 3)
  expect(one.items[0]!.detail!.prompt).toBe(
    'Question: Which of the following is not true for myelinated nerve fibers:\nChoices:\nA. Impulse through myelinated fibers is slower than non-myelinated fibers\nB. Membrane currents are generated at nodes of Ranvier\nC. Saltatory conduction of impulses is seen\nD. Local anesthesia is effective only when the nerve is not covered by myelin sheath\nAnswer:',
  )
  await expect(open(`{ use: medmcqa, path: ${medmcqa} }`)).rejects.toThrow(
    /answer: item \d+ .* must be a number from 0 to 3 .*found 4/,
  )
  const files = `path: ${pubmedqa}/ori_pqal.json, ids: ${pubmedqa}/test_ground_truth.json`
  const abstracts = await open(`{ use: task, task: pubmedqa_source, ${files} }`)
  const two = await abstracts.evaluate({ ...byCharacter(' yes'), maxLength: 1e6 })
  expect(two.items).toHaveLength(500)
  expect(two.items.reduce((total, { score }) => total + score, 0) / 500).toBeCloseTo(0.552, 6)
  const truth = JSON.parse(readFileSync(join(pubmedqa, 'test_ground_truth.json'), 'utf8'))
  for (const { id, detail } of two.items) expect(detail!.reference).toBe(truth[id])
  // The rule of the task finds the authors' test set by itself; examples are of the other half.
  await expect(open(`{ use: pubmedqa, path: ${pubmedqa}/ori_pqal.json }`)).rejects.toThrow(
    /no column "context".*ori_pqal\.json: take pubmedqa_source/,
  )
  const ruled = await open(`{ use: pubmedqa_source, path: ${pubmedqa}/ori_pqal.json }`)
  const three = await ruled.evaluate({ ...byCharacter(' yes'), maxLength: 1e6 })
  expect(three.items.map(({ id }) => id)).toEqual(two.items.map(({ id }) => id))
  const few = await open(`{ use: pubmedqa_source, path: ${pubmedqa}/ori_pqal.json, fewshot: 1, limit: 40 }`)
  const asked = new Set(three.items.map(({ detail }) => detail!.prompt))
  const prompts = (await few.evaluate({ ...byCharacter(' yes'), maxLength: 1e6 })).items
  for (const { detail } of prompts) {
    const [example, question] = String(detail!.prompt).split(/(?<=\nAnswer:) (?:yes|no|maybe)\n\n/)
    expect([asked.has(example!), asked.has(question!)]).toEqual([false, true])
  }
})
