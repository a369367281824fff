/** @file Every kind of mistake in a recipe, with the place, the nearest right word and the exit code it gets. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { exitCode } from '../../src/cli/failure.ts'
import type { Problem, RecipeError } from '../../src/recipe/errors.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { validateFit } from '../../src/run/validate.ts'
import { makeModel } from '../helpers/make-model.ts'
import { folderOf, GOOD } from './folder.ts'

type Expected = Partial<Omit<Problem, 'message'>> & { readonly message: RegExp }

interface Case {
  readonly name: string
  /** The whole recipe, or a replacement in GOOD. */
  readonly text?: string | Uint8Array
  readonly change?: readonly [string, string]
  readonly files?: Readonly<Record<string, string>>
  readonly target?: string
  readonly overrides?: readonly string[]
  /** Make a small model in the folder `model`. */
  readonly model?: boolean
  /** Also ask the plugins, not only the schema. */
  readonly stages?: boolean
  readonly expected: Expected
}

async function problemsOf(
  entry: Case,
): Promise<{ problems: readonly Problem[]; error: RecipeError; folder: string }> {
  const text = entry.text ?? (entry.change ? GOOD.replace(...entry.change) : GOOD)
  if (entry.change) expect(text).not.toBe(GOOD)
  const folder = folderOf({ 'recipe.yaml': text, ...entry.files })
  if (entry.model) {
    mkdirSync(path.join(folder, 'model'))
    await makeModel(path.join(folder, 'model'), { config: { max_position_embeddings: 2048 } })
    writeFileSync(path.join(folder, 'model/tokenizer.json'), '{}')
  }
  try {
    const resolved = await loadRecipe(
      path.resolve(folder, entry.target ?? 'recipe.yaml'),
      entry.overrides ?? [],
    )
    if (entry.stages) await validateFit(resolved)
  } catch (error) {
    return { problems: (error as RecipeError).problems, error: error as RecipeError, folder }
  }
  throw new Error('the recipe was accepted')
}

async function expectCase(entry: Case): Promise<void> {
  const { problems, error, folder } = await problemsOf(entry)
  expect(error.name).toBe('RecipeError')
  expect(exitCode(error)).toBe(2)
  expect(problems, error.message).toHaveLength(1)
  const { message, file, ...rest } = entry.expected
  expect(problems[0]).toMatchObject(rest)
  expect(problems[0]!.message).toMatch(message)
  if (rest.suggestion === undefined && !('suggestion' in rest))
    expect(problems[0]).not.toHaveProperty('suggestion')
  const where = rest.override === undefined ? path.join(folder, file ?? 'recipe.yaml') : '<override>'
  expect(problems[0]!.file).toBe(where)
}

describe('the text is no YAML recipe', () => {
  test.each<Case>([
    { name: 'an empty file', text: '', expected: { line: 1, col: 1, path: '', message: /empty/ } },
    { name: 'nothing but comments', text: '# nothing\n', expected: { line: 1, col: 1, message: /empty/ } },
    { name: 'a tab', change: ['  rank: 8', '\trank: 8'], expected: { line: 13, col: 1, message: /tab/ } },
    {
      name: 'a binary file',
      text: new Uint8Array([97, 58, 10, 98, 0, 255, 254]),
      expected: { line: 2, col: 2, message: /not UTF-8/ },
    },
    {
      name: 'UTF-16',
      text: Buffer.from('\u{FEFF}name: x', 'utf16le'),
      expected: { line: 1, col: 1, message: /not UTF-8/ },
    },
    {
      name: 'a top-level list',
      text: '- use: x\n- use: y\n',
      expected: { line: 1, col: 1, message: /mapping.*found a list/ },
    },
    {
      name: 'plain text',
      text: '\nhello there\n',
      expected: { line: 2, col: 1, message: /mapping.*single value/ },
    },
    {
      name: 'an open quote',
      change: ['"{question}"', '"{question}'],
      expected: { line: 9, message: /./ },
    },
    {
      name: 'an open bracket',
      change: ['[loss]', '[loss'],
      expected: { line: 15, col: 12, message: /not closed|must end/i },
    },
    {
      name: 'two values on a line',
      change: ['name: good', 'name: good: bad'],
      expected: { line: 1, col: 7, message: /quote the value/ },
    },
    {
      name: 'a tag',
      change: ['rank: 8', 'rank: !!js/function 8'],
      expected: { line: 13, col: 9, message: /tags/ },
    },
    {
      name: 'two documents',
      change: ['eval:', '---\neval:'],
      expected: { line: 15, col: 1, message: /one document/ },
    },
    {
      name: 'YAML 1.1',
      text: `%YAML 1.1\n---\n${GOOD}`,
      expected: { line: 1, col: 1, message: /YAML 1\.2/ },
    },
    {
      name: 'a duplicate key',
      change: ['adapter:', 'seed: 1\nseed: 2\nadapter:'],
      expected: { line: 12, col: 1, path: 'seed', message: /duplicate.*line 11/ },
    },
    {
      name: 'a duplicate key deep down',
      change: ['  rank: 8', '  rank: 8\n  rank: 9'],
      expected: { line: 14, col: 3, path: 'adapter.rank', message: /duplicate.*line 13/ },
    },
    {
      name: 'a key that is a list',
      change: ['eval:', '? [a, b]\n: 1\neval:'],
      expected: { line: 15, col: 3, message: /key must be plain text/ },
    },
    {
      name: 'an unknown anchor',
      change: ['[loss]', '*nothing'],
      expected: { line: 15, col: 7, message: /alias|anchor/i },
    },
    {
      name: '__proto__ at the top',
      change: ['eval:', '__proto__: { seed: 1 }\neval:'],
      expected: { line: 15, col: 1, path: '__proto__', message: /not allowed/ },
    },
    {
      name: 'constructor deep down',
      change: ['  rank: 8', '  rank: 8\n  constructor: { prototype: 1 }'],
      expected: { line: 14, col: 3, path: 'adapter.constructor', message: /not allowed/ },
    },
    {
      name: '__proto__ in a quoted flow key',
      change: ['lr: 1e-3', 'lr: 1e-3, "__proto__": {}'],
      expected: { line: 14, col: 24, path: 'optimizer.__proto__', message: /not allowed/ },
    },
    {
      name: 'a merge key',
      change: ['lr: 1e-3', 'lr: 1e-3, <<: { beta1: 0.5 }'],
      expected: { line: 14, path: 'optimizer.<<', suggestion: 'extends', message: /unknown key/ },
    },
    {
      name: 'too deep in brackets',
      text: `a: ${'['.repeat(500_000)}`,
      expected: { line: 1, col: 68, message: /64 levels/ },
    },
    {
      name: 'too deep in indents',
      text: Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      expected: { message: /64 levels/ },
    },
    {
      name: 'too many keys',
      text: Array.from({ length: 20_000 }, (_, i) => `a${i}: 1`).join('\n'),
      expected: { line: 10_001, message: /10000 keys/ },
    },
    {
      name: 'a huge file',
      text: `name: ${'a'.repeat(1_000_001)}`,
      expected: { line: 1, col: 1, message: /1000007 bytes.*at most 1000000/ },
    },
    {
      name: 'an alias bomb',
      text: `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replace(
        /./g,
        (c) =>
          `${c}: &${c} [${Array(9)
            .fill(`*${String.fromCharCode(c.charCodeAt(0) - 1)}`)
            .join(',')}]\n`,
      )}`,
      expected: { line: 3, message: /aliases.*100/ },
    },
    {
      name: 'an alias of what holds it',
      change: ['[loss]', '&e [*e]'],
      expected: { line: 15, message: /aliases|64 levels/ },
    },
  ])('$name', expectCase)
})

describe('the file', () => {
  test.each<Case>([
    {
      name: 'does not exist',
      target: 'recpie.yaml',
      expected: {
        file: 'recpie.yaml',
        line: 1,
        col: 1,
        suggestion: expect.stringMatching(/recipe\.yaml$/),
        message: /does not exist/,
      },
    },
    {
      name: 'is a folder',
      files: { 'sub.yaml/a.yaml': 'x: 1' },
      target: 'sub.yaml',
      expected: { file: 'sub.yaml', suggestion: expect.stringMatching(/a\.yaml$/), message: /is a folder/ },
    },
    {
      name: 'lies below a file',
      target: 'recipe.yaml/x.yaml',
      expected: { file: 'recipe.yaml/x.yaml', message: /does not exist/ },
    },
  ])('$name', expectCase)

  test('a bare name that does not ship names the nearest that does', async () => {
    const error: RecipeError = await loadRecipe('quikstart').catch((thrown) => thrown)
    expect(error.problems).toHaveLength(1)
    expect(error.problems[0]!.message).toMatch(/no recipe named "quikstart"/)
  })
})

describe('extends', () => {
  test.each<Case>([
    {
      name: 'a file that is missing',
      text: `extends: bse.yaml\n${GOOD}`,
      files: { 'base.yaml': GOOD },
      expected: {
        line: 1,
        col: 10,
        path: 'extends',
        suggestion: expect.stringMatching(/base\.yaml$/),
        message: /"bse.yaml" does not exist/,
      },
    },
    {
      name: 'only a file that is missing',
      text: 'extends: [./a.yaml]\n',
      expected: { line: 1, col: 11, path: 'extends.0', message: /does not exist/ },
    },
    {
      name: 'a circle',
      text: 'extends: b.yaml\n',
      files: { 'b.yaml': '# b\nextends: recipe.yaml\n' },
      expected: {
        file: 'b.yaml',
        line: 2,
        col: 10,
        path: 'extends',
        message: /circle: recipe\.yaml -> b\.yaml -> recipe\.yaml/,
      },
    },
    {
      name: 'itself',
      text: 'extends: ./recipe.yaml\n',
      expected: { line: 1, col: 10, message: /circle: recipe\.yaml -> recipe\.yaml/ },
    },
    {
      name: 'a number',
      text: `extends: 3\n${GOOD}`,
      expected: { line: 1, col: 10, path: 'extends', message: /path or name/ },
    },
    {
      name: 'a name that does not ship',
      text: `extends: no-such-recipe-at-all\n${GOOD}`,
      expected: { line: 1, col: 10, path: 'extends', message: /no recipe named/ },
    },
    {
      name: 'a recipe with a mistake',
      text: 'extends: base.yaml\nseed: 1\n',
      files: { 'base.yaml': GOOD.replace('rank: 8', 'rnk: 8') },
      expected: {
        file: 'base.yaml',
        line: 13,
        col: 3,
        path: 'adapter.rnk',
        suggestion: 'rank',
        message: /unknown key/,
      },
    },
    {
      name: 'a recipe that is no YAML',
      text: 'extends: base.yaml\nseed: 1\n',
      files: { 'base.yaml': 'a:\n\tb: 1\n' },
      expected: { file: 'base.yaml', line: 2, col: 1, message: /tab/ },
    },
  ])('$name', expectCase)
})

describe('keys', () => {
  test.each<Case>([
    {
      name: 'a typo at the top',
      change: ['optimizer:', 'optimiser:'],
      expected: {
        line: 14,
        col: 1,
        path: 'optimiser',
        suggestion: 'optimizer',
        message: /unknown key/,
        allowed: expect.arrayContaining(['optimizer']),
      },
    },
    {
      name: 'a typo in a stage',
      change: ['holdout: 2', 'holdot: 2'],
      expected: {
        line: 6,
        col: 3,
        path: 'dataset.holdot',
        suggestion: 'holdout',
        message: /unknown key/,
        allowed: expect.arrayContaining(['use', 'holdout', 'path']),
      },
    },
    {
      name: 'a typo in train',
      change: ['eval:', 'train: { batchsize: 2 }\neval:'],
      expected: {
        line: 15,
        col: 10,
        path: 'train.batchsize',
        suggestion: 'batch_size',
        message: /unknown key/,
      },
    },
    {
      name: 'a typo in an item of a list',
      change: ['[loss]', '[loss, { use: loss, nmae: x }]'],
      expected: { line: 15, col: 27, path: 'eval.1.nmae', suggestion: 'name', message: /unknown key/ },
    },
    {
      name: 'a key at the wrong depth',
      change: ['optimizer: {', 'rank: 8\noptimizer: {'],
      expected: { line: 14, col: 1, path: 'rank', suggestion: 'adapter.rank', message: /unknown key/ },
    },
    {
      name: 'lr at the top',
      change: ['optimizer: { lr: 1e-3 }', 'lr: 1e-3'],
      expected: { line: 14, col: 1, path: 'lr', suggestion: 'optimizer.lr', message: /unknown key/ },
    },
    {
      name: 'a key of another stage',
      change: ['  rank: 8', '  batch_size: 8'],
      expected: {
        line: 13,
        col: 3,
        path: 'adapter.batch_size',
        suggestion: 'train.batch_size',
        message: /unknown key/,
      },
    },
    {
      name: "another trainer's name",
      change: ['lr: 1e-3', 'learning_rate: 1e-3'],
      expected: {
        line: 14,
        col: 14,
        path: 'optimizer.learning_rate',
        suggestion: 'lr',
        message: /unknown key/,
      },
    },
    {
      name: 'a missing stage',
      change: ['model: { use: gemma3, path: model }\n', ''],
      expected: { line: 1, col: 1, path: 'model', message: /is missing: The model/ },
    },
    {
      name: 'a missing use',
      change: ['  use: jsonl\n', ''],
      expected: {
        line: 3,
        col: 1,
        path: 'dataset.use',
        message: /is missing/,
        allowed: expect.arrayContaining(['jsonl']),
      },
    },
    {
      name: 'a missing option',
      change: ['  path: rows.jsonl\n', ''],
      expected: { line: 3, col: 1, path: 'dataset.path', message: /is missing: The file/ },
    },
  ])('$name', expectCase)
})

describe('values', () => {
  test.each<Case>([
    {
      name: 'an unknown plugin',
      change: ['use: gemma3', 'use: gema3'],
      expected: {
        line: 2,
        col: 15,
        path: 'model.use',
        suggestion: 'gemma3',
        message: /no model plugin is named "gema3"/,
      },
    },
    {
      name: 'an unknown bare plugin',
      change: ['[loss]', '[los]'],
      expected: { line: 15, col: 8, path: 'eval.0.use', suggestion: 'loss', message: /no eval plugin/ },
    },
    {
      name: 'a plugin of a kind that has none',
      change: ['eval:', 'trackers: [nothing]\neval:'],
      expected: { line: 15, col: 12, message: /tracker/ },
    },
    {
      name: 'text for a number',
      change: ['rank: 8', 'rank: many'],
      expected: {
        line: 13,
        col: 9,
        path: 'adapter.rank',
        message: /must be a whole number, found text "many"/,
      },
    },
    {
      name: 'a number in quotes',
      change: ['rank: 8', 'rank: "8"'],
      expected: { line: 13, col: 9, message: /remove the quotes/ },
    },
    {
      name: 'a fraction for a whole number',
      change: ['rank: 8', 'rank: 8.5'],
      expected: { line: 13, col: 9, message: /whole number, found 8\.5/ },
    },
    {
      name: 'a number as name',
      change: ['name: good', 'name: 123'],
      expected: { line: 1, col: 7, path: 'name', message: /must be text, found 123/ },
    },
    {
      name: 'a name with a slash',
      change: ['name: good', 'name: ../bad'],
      expected: { line: 1, col: 7, path: 'name', message: /does not match/ },
    },
    {
      name: 'nothing',
      change: ['rank: 8', 'rank:'],
      expected: { line: 13, path: 'adapter.rank', message: /found nothing/ },
    },
    {
      name: 'a negative step count',
      change: ['eval:', 'train: { steps: -4 }\neval:'],
      expected: { line: 15, col: 17, path: 'train.steps', message: /at least 1, found -4/ },
    },
    {
      name: 'zero epochs',
      change: ['eval:', 'train: { epochs: 0 }\neval:'],
      expected: { line: 15, col: 18, path: 'train.epochs', message: /more than 0, found 0/ },
    },
    {
      name: 'infinity',
      change: ['1e-3', '.inf'],
      expected: { line: 14, col: 18, path: 'optimizer.lr', message: /number/ },
    },
    {
      name: 'a bad enum',
      change: ['eval:', 'train: { over_length: trunc }\neval:'],
      expected: {
        line: 15,
        col: 23,
        path: 'train.over_length',
        suggestion: 'truncate',
        message: /not one of/,
        allowed: ['drop', 'truncate', 'error'],
      },
    },
    {
      name: 'fp16',
      change: ['eval:', 'train: { precision: fp16 }\neval:'],
      expected: {
        line: 15,
        col: 21,
        path: 'train.precision',
        message: /not one of/,
        allowed: ['auto', 'fp32', 'bf16'],
      },
    },
    {
      name: 'a list for a stage',
      change: ['optimizer: { lr: 1e-3 }', 'optimizer: [adamw]'],
      expected: { line: 14, col: 12, path: 'optimizer', message: /mapping of options, found a list/ },
    },
    {
      name: 'a name for a list',
      change: ['[loss]', 'loss'],
      expected: { line: 15, col: 7, path: 'eval', message: /must be a list/ },
    },
    {
      name: 'a value of no allowed type',
      change: ['rank: 8', 'targets: 5'],
      expected: {
        line: 13,
        col: 12,
        path: 'adapter.targets',
        message: /must be text or a list of text, found 5/,
      },
    },
    {
      name: 'a wrong item in a list of values',
      change: ['rank: 8', 'targets: [q_proj, 5]'],
      expected: { line: 13, col: 21, path: 'adapter.targets.1', message: /must be text, found 5/ },
    },
    {
      name: 'a seed that is no seed',
      change: ['eval:', 'seed: -1\neval:'],
      expected: { line: 15, col: 7, path: 'seed', message: /at least 0/ },
    },
  ])('$name', expectCase)
})

describe('overrides', () => {
  const override = (text: string, expected: Expected): Case => ({
    name: text,
    overrides: [text],
    expected: { override: text, ...expected },
  })
  test.each<Case>([
    override('adapter.rnk=8', { path: 'adapter.rnk', suggestion: 'rank', message: /unknown key/ }),
    override('adaptor.rank=8', { path: 'adaptor', suggestion: 'adapter', message: /unknown key/ }),
    override('adapter.rank', { path: '', message: /key=value/ }),
    override('=8', { path: '', message: /key=value/ }),
    override('adapter..rank=8', { path: 'adapter..rank', message: /empty/ }),
    override('adapter.rank=[1', { path: 'adapter.rank', message: /closed|end/ }),
    override('adapter.rank=eight', { path: 'adapter.rank', message: /whole number, found text "eight"/ }),
    override('adapter.rank=', { path: 'adapter.rank', message: /found nothing/ }),
    override('train.steps=-1', { path: 'train.steps', message: /at least 1/ }),
    override('dataset.use=jsnl', { path: 'dataset.use', suggestion: 'jsonl', message: /no dataset plugin/ }),
    override('eval.3.name=x', { path: 'eval.3.name', message: /out of range: eval has 1 item/ }),
    override('eval.loss.name=x', { path: 'eval.loss.name', message: /eval is a list/ }),
    override('name.first=x', { path: 'name.first', message: /single value/ }),
    override('extends=quickstart', { path: 'extends', message: /in its file/ }),
    override('__proto__.polluted=1', { path: '__proto__.polluted', message: /not allowed/ }),
    override('constructor.prototype.polluted=1', {
      path: 'constructor.prototype.polluted',
      message: /not allowed/,
    }),
    override('adapter.__proto__.polluted=1', { path: 'adapter.__proto__.polluted', message: /not allowed/ }),
    override('adapter={__proto__: {polluted: 1}}', { path: 'adapter.__proto__', message: /not allowed/ }),
    override('adapter[__proto__][polluted]=1', {
      path: 'adapter[__proto__][polluted]',
      suggestion: expect.anything(),
      message: /unknown key/,
    }),
  ])('$name', async (entry) => {
    if (entry.name.includes('[__proto__]')) {
      const { problems } = await problemsOf(entry)
      expect(problems[0]).toMatchObject({ override: entry.name, message: 'unknown key' })
    } else await expectCase(entry)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('what only plugins, the model and the data show', () => {
  const rows = { 'rows.jsonl': '{"question":"q","answer":"a"}\n{"question":"r","answer":"b"}\n' }
  test.each<Case>([
    {
      name: 'a model folder that is missing',
      files: rows,
      expected: { line: 2, col: 29, path: 'model.path', message: /no such folder/ },
    },
    {
      name: 'a brace without its partner',
      model: true,
      files: rows,
      change: ['"{question}"', '"{question"'],
      expected: { line: 9, col: 9, path: 'template.user', message: /lone/ },
    },
    {
      name: 'a data file that is missing',
      model: true,
      files: { 'row.jsonl': '{}\n' },
      expected: { line: 5, col: 9, path: 'dataset.path', message: /rows\.jsonl/ },
    },
    {
      name: 'a data set without rows',
      model: true,
      files: { 'rows.jsonl': '\n' },
      expected: { path: 'dataset', message: /row/ },
    },
    {
      name: 'a data set that is no JSON',
      model: true,
      files: { 'rows.jsonl': '{"question": 1,\n' },
      expected: { path: 'dataset', message: /rows\.jsonl.*1/ },
    },
    {
      name: 'a column that is missing',
      model: true,
      files: rows,
      change: ['{answer}', '{anwser}'],
      expected: {
        line: 10,
        col: 10,
        path: 'template.model',
        message: /no column "anwser"; did you mean "answer"; its columns: question, answer/,
      },
    },
    {
      name: 'a target that no layer has',
      model: true,
      files: rows,
      change: ['rank: 8', 'targets: [q_proj, qv_proj]'],
      expected: { line: 13, col: 21, path: 'adapter.targets.1', message: /"?qv_proj"?.*q_proj/ },
    },
    {
      name: 'a rank wider than a projection',
      model: true,
      files: rows,
      change: ['rank: 8', 'rank: 4096'],
      expected: { line: 13, col: 9, path: 'adapter.rank', message: /4096 is more than .* allows/ },
    },
    {
      name: 'rows longer than the model reads',
      model: true,
      files: rows,
      overrides: ['train.max_length=1000000'],
      expected: { override: 'train.max_length=1000000', path: 'train.max_length', message: /at most/ },
    },
    {
      name: 'a holdout that is neither a count nor a fraction',
      model: true,
      files: rows,
      overrides: ['dataset.holdout=1.5'],
      expected: {
        override: 'dataset.holdout=1.5',
        path: 'dataset.holdout',
        message: /whole number of rows, or a fraction below 1, not 1\.5/,
      },
    },
    {
      name: 'a holdout loss without a holdout',
      model: true,
      files: rows,
      overrides: ['train.eval_every=5', 'dataset.holdout=0'],
      expected: { override: 'train.eval_every=5', path: 'train.eval_every', message: /holdout/ },
    },
    {
      name: 'a precision that is not offered',
      model: true,
      files: rows,
      overrides: ['train.precision=bf16'],
      expected: { override: 'train.precision=bf16', path: 'train.precision', message: /not offered/ },
    },
    {
      name: 'two evaluations of one name',
      model: true,
      files: rows,
      change: ['[loss]', '[loss, loss]'],
      expected: { line: 15, col: 14, path: 'eval.1', message: /second one named "loss"/ },
    },
  ])('$name', (entry) => expectCase({ ...entry, stages: true }))

  test('several at once', async () => {
    const { problems } = await problemsOf({
      name: 'several',
      model: true,
      stages: true,
      files: rows,
      text: GOOD.replace('rank: 8', 'rank: 4096')
        .replace('{answer}', '{answr}')
        .replace('{question}', '{quest}'),
      expected: { message: /./ },
    })
    expect(problems.map(({ path, line }) => [path, line])).toEqual([
      ['template.user', 9],
      ['adapter.rank', 13],
    ])
  })
})

test('every mistake is told at once, in the order of places, overrides last', async () => {
  const { error, folder } = await problemsOf({
    name: 'many',
    text: GOOD.replace('good', '7')
      .replace('gemma3', 'gema3')
      .replace('rank: 8', 'rank: 0\n  rnk: 1')
      .replace('holdout: 2', 'holdout: x'),
    overrides: ['train.clip=-1', 'nonsense'],
    expected: { message: /./ },
  })
  const lines = error.message.split('\n').map((line) => line.replace(folder, '').replace(/;.*/, ''))
  expect(lines).toEqual([
    '/recipe.yaml:1:7  name: must be text, found 7',
    '/recipe.yaml:2:15  model.use: no model plugin is named "gema3"',
    '/recipe.yaml:6:12  dataset.holdout: must be a number, found text "x"',
    '/recipe.yaml:13:9  adapter.rank: must be at least 1, found 0',
    '/recipe.yaml:14:3  adapter.rnk: unknown key',
    'override "train.clip=-1": train.clip: must be at least 0, found -1',
    'override "nonsense": an override is written key=value, such as adapter.rank=8',
  ])
})
