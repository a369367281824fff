/** @file Faults planted in rows, templates and models, each found by its code and its rows; and no false alarm on good data. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import jsonl from '../../plugins/dataset/jsonl.ts'
import plain from '../../plugins/template/plain.ts'
import { encodeSplit, heldOut, openTokenizer } from '../../src/data/index.ts'
import type { Dataset, Model, Row, Span, Template } from '../../src/plugin/contract.ts'
import { createStage } from '../../src/recipe/create.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { checkSplits } from '../../src/run/row-warnings.ts'
import { context, datasetOf, gemmaTemplate, questions } from '../data/rows.ts'
import { tempFolder } from '../helpers/temp.ts'
import { writeTinyTokenizer } from '../helpers/tiny-tokenizer.ts'

let folder: string

beforeAll(async () => {
  folder = tempFolder()
  await writeTinyTokenizer(folder)
})

interface Planted {
  readonly dataset: Dataset
  readonly template?: Template
  readonly maxLength?: number
  readonly holdout?: boolean
  readonly model?: string
  readonly cacheDir?: string
}

/** The warnings on a data set, as `code: message`. */
async function warnings({ dataset, template = gemmaTemplate, ...more }: Planted): Promise<readonly string[]> {
  const { maxLength = 4096, holdout = false, model = folder, cacheDir } = more
  const encode = (split: 'train' | 'holdout') =>
    encodeSplit({
      dataset,
      split,
      template,
      tokenizer: model,
      vocabSize: 300_000,
      maxLength,
      overLength: 'truncate',
      shuffle: true,
      seed: 1,
      cacheDir,
      // The Gemma tokenizer takes a second to open, in every thread.
      workers: 0,
    })
  const train = await encode('train')
  const held = holdout ? await encode('holdout') : undefined
  const told: string[] = []
  const warn = (code: string, message: string) => void told.push(`${code}: ${message}`)
  await checkSplits({ train, holdout: held }, await openTokenizer(model), { folder: model } as Model, warn)
  await Promise.all([train.close(), held?.close()])
  return told
}

const rows = (...changed: readonly [number, Row][]): Row[] =>
  questions(40).map((row, i) => ({ ...row, ...new Map(changed).get(i + 1) }))

/** gemmaTemplate with its spans changed. */
const templateOf = (change: (spans: readonly Span[]) => readonly Span[]): Template => ({
  ...gemmaTemplate,
  render: (row) => change(gemmaTemplate.render(row)),
})

describe('a planted fault is told with its rows', () => {
  test('nothing wrong, nothing told', async () => {
    expect(await warnings({ dataset: datasetOf(rows()) })).toEqual([])
  })

  test('empty answers', async () => {
    const planted = rows([3, { a: '' }], [17, { a: ' \n ' }])
    expect(await warnings({ dataset: datasetOf(planted) })).toEqual([
      'empty-answer: train: 2 of 40 rows have an empty answer, which teaches the model to say nothing (rows 3, 17)',
    ])
  })

  test('an empty turn in the middle of a conversation', async () => {
    const template = templateOf((spans) => {
      const end = spans.findIndex(({ text, train }) => train && text === '<end_of_turn>')
      return [...spans.slice(0, 1), spans[end]!, { text: 'more', train: false }, ...spans.slice(1)]
    })
    const [told] = await warnings({ dataset: datasetOf(rows()), template })
    expect(told).toMatch(/^empty-answer: train: 40 of 40 rows/)
  })

  test('a column of the answer that is empty, but not one of the question, nor one that mostly is', async () => {
    const template = plain.create(
      { prompt: '{q} {hint}', completion: '{why} Answer: {a}', bos: true, eos: true },
      context,
    ) as Template
    const planted = rows().map((row, i) => ({
      ...row,
      hint: i % 9 === 0 ? 'a hint' : '',
      why: i % 3 === 0 ? 'Because.' : '',
      a: i === 4 ? '' : row.a,
    }))
    expect(await warnings({ dataset: datasetOf(planted), template })).toEqual([
      'empty-column: train: 1 of 40 rows have nothing in column "a", which leaves a hole in the answer (row 5)',
    ])
  })

  test('duplicate rows, whatever their case, white space and Unicode form', async () => {
    const planted = rows(
      [5, { q: 'Caf\u00e9 au  lait?', a: 'yes' }],
      [9, { q: 'cafe\u0301 au lait? ', a: 'YES' }],
      [12, { q: 'question 1?', a: 'the answer is 7 or so on' }],
    )
    // Row 2 is "question 1?" as well.
    expect(await warnings({ dataset: datasetOf(planted) })).toEqual([
      'duplicates: train: 2 of 40 rows say what an earlier row says, but for case and white space (rows 9 = 5, 12 = 2)',
    ])
  })

  test('a row that a data set repeats on purpose is no duplicate', async () => {
    const dataset: Dataset = { ...datasetOf(rows()), times: () => 3 }
    expect(await warnings({ dataset: heldOut(dataset, { holdout: 0, seed: 1 }) })).toEqual([])
  })

  test('held-out rows that are trained on, counted, with the numbers of both', async () => {
    const dataset: Dataset = {
      ownHoldout: true,
      async *read(split) {
        yield* split === 'train' ? rows() : [...questions(60).slice(50), ...rows().slice(6, 8)]
      },
    }
    expect(await warnings({ dataset, holdout: true })).toEqual([
      'leak: holdout: 2 of 12 rows say what a training row says, so that their scores are no test (held out = trained: ' +
        '11 = 7, 12 = 8); remove the duplicates before',
    ])
  })

  test('a duplicate that the seed put on both sides, from a cache as from the rows', async () => {
    const planted = [...questions(1100), ...questions(1100)]
    const dataset = heldOut(datasetOf(planted), { holdout: 50, seed: 3 })
    const cacheDir = tempFolder()
    const first = await warnings({ dataset, holdout: true, cacheDir })
    expect(first.at(-1)).toMatch(/^leak: holdout: \d\d of 50 rows/)
    expect(first[0]).toMatch(/^duplicates: .*\(rows 1\d{3} = \d+, 1\d{3} = \d+, /)
    expect(await warnings({ dataset, holdout: true, cacheDir })).toEqual(first)
  })

  test('two beginnings', async () => {
    const template = templateOf((spans) => [spans[0]!, ...spans])
    expect(await warnings({ dataset: datasetOf(rows()), template })).toEqual([
      'double-bos: train: 40 of 40 rows begin with two beginning-of-text tokens; the template writes one too many ' +
        '(rows 1, 2, 3, 4, 5, ...)',
    ])
  })

  test('no beginning where the tokenizer would put one, but not where it would put none', async () => {
    const template = templateOf((spans) => spans.slice(1))
    expect(await warnings({ dataset: datasetOf(rows()), template })).toEqual([])
    const model = tempFolder()
    await writeTinyTokenizer(model)
    const file = join(model, 'tokenizer_config.json')
    const config = JSON.parse(readFileSync(file, 'utf8'))
    writeFileSync(file, JSON.stringify({ ...config, add_bos_token: true }))
    expect(await warnings({ dataset: datasetOf(rows()), template, model })).toEqual([
      expect.stringMatching(/^no-bos: train: 40 of 40 rows begin without the beginning-of-text token/),
    ])
  })

  test('an end of turn that no row learns', async () => {
    const template = templateOf((spans) =>
      spans.map((span) => (span.control ? { ...span, train: false } : span)),
    )
    expect(await warnings({ dataset: datasetOf(rows()), template })).toEqual([
      'no-end: train: no row teaches a token that ends the answer: the model will not learn to stop',
    ])
  })

  test('an end that every cut row lost', async () => {
    const told = await warnings({ dataset: datasetOf(rows()), maxLength: 36 })
    expect(told.map((line) => line.split(':')[0])).toEqual(['truncated', 'no-end'])
  })

  test('an end that some rows do not learn', async () => {
    let row = 0
    const template = templateOf((spans) =>
      ++row % 10 === 0 ? spans.map((span) => (span.control ? { ...span, train: false } : span)) : spans,
    )
    expect(await warnings({ dataset: datasetOf(rows()), template })).toEqual([
      'no-end: train: 4 of 40 rows teach no token that ends the answer (rows 10, 20, 30, 40)',
    ])
  })

  test('an end at which the model is not asked to stop', async () => {
    const model = tempFolder()
    await writeTinyTokenizer(model)
    const generation = (ids: unknown) =>
      writeFileSync(join(model, 'generation_config.json'), JSON.stringify({ eos_token_id: ids }))
    generation([1, 5])
    expect(await warnings({ dataset: datasetOf(rows()), model })).toEqual([])
    generation(1)
    expect(await warnings({ dataset: datasetOf(rows()), model })).toEqual([
      "stop-token: train: answers end with <end_of_turn>, but the model's generation_config.json stops only at <eos>: add " +
        '5 to its eos_token_id, or programs that go by this file run on',
    ])
  })
})

describe('no false alarm', () => {
  const shared = resolve(import.meta.dirname, '../../../shared/data')

  async function recipeWarnings(
    file: string,
    change: { readonly path?: string; readonly model?: string } = {},
  ): Promise<readonly string[]> {
    const local = change.path === undefined ? [] : ['dataset.use=jsonl', `dataset.path=${change.path}`]
    const resolved = await loadRecipe(file, local)
    const { dataset } = resolved.recipe
    const read = change.path
      ? (jsonl.create({ path: change.path }, context) as Promise<Dataset>)
      : createStage(resolved, 'dataset', 'dataset', () => {})
    return warnings({
      dataset: heldOut(await read, { holdout: Number(dataset.holdout), seed: resolved.recipe.seed }),
      template: await createStage(resolved, 'template', 'template', () => {}),
      model: change.model ?? 'models/tiny-gemma3',
      holdout: Number(dataset.holdout) > 0,
    })
  }

  test('on the rows of recipes/quickstart.yaml', async () => {
    expect(await recipeWarnings('recipes/quickstart.yaml')).toEqual([])
  })

  const there = existsSync(join(shared, 'sft')) && existsSync(join(shared, 'gemma3-tokenizer'))
  test.skipIf(!there)('on 198 real rows, with the template of recipes/gemma3-medical.yaml', async () => {
    const path = join(shared, 'sft', 'medical_o1_demo198.jsonl')
    const model = join(shared, 'gemma3-tokenizer')
    expect(await recipeWarnings('recipes/gemma3-medical.yaml', { path, model })).toEqual([])
  })
})
