/** @file Sweep files: what is read from them, and how mistakes are told. */
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { trial } from '../../src/cli/trial.ts'
import type { Params } from '../../src/plugin/contract.ts'
import { formatProblem, type RecipeError } from '../../src/recipe/errors.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { readResult, type TrialSheet, writeSheet } from '../../src/sweep/board.ts'
import { shippedSweeps } from '../../src/sweep/find.ts'
import { checkBeside } from '../../src/sweep/metric.ts'
import { probes } from '../../src/sweep/probe.ts'
import { loadSweep } from '../../src/sweep/sweep.ts'
import { folderOf, GOOD } from '../recipe/folder.ts'

const HEAD = `recipe: good.yaml
metric: { name: holdout.loss, goal: minimize }
run_cap: 4
`

function sweepFile(text: string): string {
  return path.join(folderOf({ 'good.yaml': `${GOOD}train: { eval_every: 2 }\n`, 's.yaml': text }), 's.yaml')
}

async function mistakes(text: string): Promise<readonly string[]> {
  const file = sweepFile(text)
  const error: RecipeError = await loadSweep(file).then(
    () => expect.unreachable('the sweep is without a mistake'),
    (reason) => reason,
  )
  expect(error.name).toBe('RecipeError')
  return error.problems.map((problem) => formatProblem(problem, path.dirname(file)))
}

it('reads short forms, ranges, nested and conditional parameters', async () => {
  const sweep = await loadSweep(
    sweepFile(`${HEAD}parameters:
  adapter.rank: [4, 8]
  train.batch_size: 4
  train.clip: { min: 0, max: 2 }
  train.accumulate: { min: 1, max: 3 }
  adapter.dropout: { min: 0, max: 0.2, q: 0.1 }
  train.max_length: { distribution: q_log_uniform_values, min: 64, max: 512, q: 64 }
  optimizer:
    when: { schedule.use: [cosine] }
    parameters:
      lr: { distribution: log_uniform_values, min: 1e-5, max: 1e-3 }
  schedule.use: [linear, cosine]
`),
    ['run_cap=7', 'method.use=random'],
  )
  expect(sweep.trials).toBe(7)
  expect(sweep.spec).toMatchObject({ name: 's', seed: 42, workers: 1, retries: 0, method: { use: 'random' } })
  const linear = { scale: 'linear' }
  expect(Object.fromEntries(sweep.space.map(({ path: at, distribution }) => [at, distribution]))).toEqual({
    'adapter.rank': { kind: 'categorical', values: [4, 8] },
    'train.batch_size': { kind: 'categorical', values: [4] },
    'train.clip': { kind: 'int', step: 1, min: 0, max: 2, ...linear },
    'train.accumulate': { kind: 'int', step: 1, min: 1, max: 3, ...linear },
    'adapter.dropout': { kind: 'float', step: 0.1, min: 0, max: 0.2, ...linear },
    'train.max_length': { kind: 'int', step: 64, min: 64, max: 512, scale: 'log' },
    'optimizer.lr': { kind: 'float', min: 1e-5, max: 1e-3, scale: 'log' },
    'schedule.use': { kind: 'categorical', values: ['linear', 'cosine'] },
  })
  // What it depends on stands before it.
  expect(sweep.space.at(-1)).toMatchObject({
    path: 'optimizer.lr',
    when: [{ path: 'schedule.use', values: ['cosine'] }],
  })
})

it('a parameter can be changed, a part of it too, and added from the command line', async () => {
  const file = sweepFile(`${HEAD}parameters:
  adapter.rank: [4, 8]
  optimizer.lr: { distribution: log_uniform_values, min: 1e-5, max: 1e-3 }
`)
  const typed = [
    'parameters.adapter.rank=[2, 16]',
    'parameters.optimizer.lr.min=1e-4',
    'parameters.train.clip=1',
  ]
  const { space } = await loadSweep(file, typed)
  expect(Object.fromEntries(space.map(({ path: at, distribution }) => [at, distribution]))).toMatchObject({
    'adapter.rank': { values: [2, 16] },
    'optimizer.lr': { min: 1e-4, max: 1e-3, scale: 'log' },
    'train.clip': { values: [1] },
  })
  await expect(loadSweep(file, ['train.steps=5'])).rejects.toThrow(
    /train: unknown key; did you mean "parameters\.train\.steps"/,
  )
  await expect(loadSweep(file, ['parameters.adapter.rnk=[2]'])).rejects.toThrow(
    /parameters\.adapter\.rnk: unknown key .*did you mean "rank"/,
  )
})

it('every value occurs in a recipe that is read before the first trial', async () => {
  const { space } = await loadSweep(
    sweepFile(`${HEAD}parameters:
  schedule.use: [linear, cosine, constant]
  schedule.warmup: { values: [1, 2, 3, 4], when: { schedule.use: cosine } }
  adapter.rank: { min: 4, max: 16 }
`),
  )
  const seen = (name: string) => new Set(probes(space).map((params: Params) => params[name]))
  expect(seen('schedule.use')).toEqual(new Set(['linear', 'cosine', 'constant']))
  expect(seen('schedule.warmup')).toEqual(new Set([1, 2, 3, 4, undefined]))
  expect(seen('adapter.rank')).toEqual(new Set([4, 16]))
})

it('tells all mistakes of the schema at once, with their place', async () => {
  expect(
    await mistakes(`recipe: good.yaml
method: tpee
metric: { name: holdout.loss, gol: minimize }
parameters:
  adapter.rank: { value: 4, vlues: 3 }
workrs: 3
`),
  ).toEqual([
    's.yaml:2:9  method.use: no sampler plugin is named "tpee"; did you mean "tpe"; allowed: grid, random, sobol, tpe',
    's.yaml:3:1  metric.goal: is missing: Which end of it is better.',
    's.yaml:3:31  metric.gol: unknown key; did you mean "goal"; allowed: name, goal, take, target',
    expect.stringMatching(
      /^s\.yaml:5:29 {2}parameters\.adapter\.rank\.vlues: unknown key; did you mean "values"/,
    ),
    expect.stringMatching(/^s\.yaml:6:1 {2}workrs: unknown key; did you mean "workers"/),
  ])
})

it('tells mistakes of the recipe that a value would make, at the value', async () => {
  const told = await mistakes(`${HEAD}parameters:
  adapter.rnk: [4, 8]
  adapter.rank: [4, x]
  optimizer.use: [adamw, lionn]
`)
  expect(told).toEqual([
    expect.stringMatching(
      /^s\.yaml:5:16 {2}parameters\.adapter\.rnk: unknown key \(in the recipe, with adapter\.rnk=4\); did you mean "rank"/,
    ),
    's.yaml:6:17  parameters.adapter.rank: must be a whole number, found text "x" (in the recipe, with adapter.rank="x")',
    expect.stringMatching(
      /^s\.yaml:7:18 {2}parameters\.optimizer\.use: no optimizer plugin is named "lionn"/,
    ),
  ])
})

const PARAMETER_MISTAKES: readonly (readonly [string, RegExp])[] = [
  [
    '{ distribution: log_uniform, min: -9, max: -4 }',
    /lr\.distribution: "log_uniform" takes its ends as natural logarithms.*write log_uniform_values.*min: 0\.000123, max: 0\.0183/,
  ],
  ['{ distribution: normal, min: 0, max: 1 }', /"normal" is not offered/],
  ['{ distribution: unifrm, min: 0, max: 1 }', /no distribution is named "unifrm"; did you mean "uniform"/],
  ['{ min: 5, max: 2 }', /lr\.max: must be more than min, 5; found 2/],
  ['{ min: 5 }', /lr: needs max/],
  ['{ distribution: log_uniform_values, min: 0, max: 1 }', /lr\.min: must be more than 0 on a log scale/],
  ['{ values: [1, 2, 1] }', /lr\.values: names 1 twice/],
  ['{ values: [1, 2], probabilities: [1] }', /lr\.probabilities: has 1 numbers for 2 values/],
  ['{ values: [1, 2], probabilities: [1, 1] }', /lr\.probabilities: must sum to 1, not 2/],
  ['{ values: [1, 2], min: 0 }', /lr\.min: does not go with a list of values/],
  ['{ when: { train.clip: 1 } }', /lr: says nothing of its values/],
  ['{ value: 1, when: { train.clop: 1 } }', /lr\.when\.train\.clop: is no parameter of this sweep/],
  [
    '{ value: 1, when: { train.clip: 7 } }',
    /lr\.when\.train\.clip: 7 is not among the values of "train\.clip"/,
  ],
  ['{ value: 1, when: { optimizer.lr: 1 } }', /cannot depend on itself/],
  ['{ value: 1, parameters: { a: 1 } }', /lr\.value: does not go with "parameters"/],
]

it.each(PARAMETER_MISTAKES)('refuses %s', async (written, message) => {
  const told = await mistakes(`${HEAD}parameters:\n  optimizer.lr: ${written}\n  train.clip: [1, 2]\n`)
  expect(told).toEqual([expect.stringMatching(message)])
  expect(told[0]).toMatch(/^s\.yaml:5:\d+ {2}/)
})

it('refuses what overlaps, what goes in circles, and what would never end', async () => {
  expect(await mistakes(`${HEAD}parameters:\n  train: [{ epochs: 2 }]\n  train.clip: [1, 2]\n`)).toEqual([
    expect.stringMatching(/train\.clip: lies inside "train", which is a parameter too/),
  ])
  const circle = `${HEAD}parameters:
  train.clip: { values: [1, 2], when: { train.epochs: 1 } }
  train.epochs: { values: [1, 2], when: { train.clip: 1 } }
`
  expect((await mistakes(circle))[0]).toMatch(
    /s\.yaml:5:\d+ .*when: depends on itself: train\.clip, train\.epochs/,
  )
  const endless = HEAD.replace('run_cap: 4\n', 'parameters: { train.clip: { min: 0.5, max: 1 } }\n')
  expect((await mistakes(endless))[0]).toMatch(/method: "tpe" goes on for ever: say when to stop/)
  expect((await mistakes(`${endless}method: grid\n`))[0]).toMatch(
    /s\.yaml:4:9 {2}method: a grid needs steps, and "train\.clip" is a continuous range/,
  )
})

it('refuses metrics that are not measured, measured too late, or a test', async () => {
  const withMetric = (metric: string, more = '') =>
    mistakes(
      `recipe: good.yaml\nrun_cap: 2\nmetric: ${metric}\nparameters: { adapter.rank: [4, 8] }\n${more}`,
    )
  expect(await withMetric('{ name: los, goal: minimize }')).toEqual([
    's.yaml:3:17  metric.name: the recipe does not measure "los"; did you mean "loss"; allowed: holdout.loss, train.loss, loss',
  ])
  expect(await withMetric('{ name: loss, goal: minimize }', 'early_terminate: median\n')).toEqual([
    expect.stringMatching(/^s\.yaml:5:18 {2}early_terminate: "loss" is not measured while a trial trains/),
  ])
  const file = folderOf({
    'good.yaml': `${GOOD.replace('[loss]', '[{ use: multiple-choice, name: qa, path: data/test.jsonl }]')}`,
    's.yaml':
      'recipe: good.yaml\nrun_cap: 2\nmetric: { name: qa, goal: maximize }\nparameters: { adapter.rank: [4, 8] }\n',
  })
  await expect(loadSweep(path.join(file, 's.yaml'))).rejects.toThrow(
    /metric\.name: "qa" scores path "data\/test\.jsonl", a test by its name: choosing by it makes the test part of training/,
  )
})

it('refuses a task whose own file names a test split', async () => {
  const by = async (use: string, name: string) => {
    const folder = folderOf({
      'good.yaml': GOOD.replace('[loss]', `[${use}]`),
      'exam.yaml':
        'dataset: { use: hub, repo: some/exam, split: test }\nprompt: "{q}"\nchoices: [A, B]\nanswer: a\n',
      's.yaml': `recipe: good.yaml\nrun_cap: 2\nmetric: { name: ${name}, goal: maximize }\nparameters: { adapter.rank: [4, 8] }\n`,
    })
    return loadSweep(path.join(folder, 's.yaml')).then(
      () => 'accepted',
      (error: Error) => error.message,
    )
  }
  const refusal = (name: string, test: string) =>
    expect.stringContaining(
      `metric.name: "${name}" scores ${test}: choosing by it makes the test part of training`,
    )
  expect(await by('medqa_4options', 'medqa_4options')).toEqual(
    refusal('medqa_4options', 'the split "test" of medqa_4options'),
  )
  expect(await by('{ use: multimedqa, name: all }', 'all.acc')).toEqual(
    refusal('all', 'the test half of pubmedqa'),
  )
  expect(await by('{ use: task, name: mine, task: ./exam.yaml }', 'mine')).toEqual(
    refusal('mine', 'the split "test" of exam'),
  )
  const file = (name: string) => by(`{ use: multiple-choice, name: qa, path: ${name} }`, 'qa')
  expect(await file('test/part-0.jsonl')).toEqual(
    refusal('qa', 'path "test/part-0.jsonl", a test by its name'),
  )
  expect(await by('{ use: pubmedqa, ids: test_ground_truth.json }', 'pubmedqa')).toEqual(
    refusal('pubmedqa', 'ids "test_ground_truth.json", a test by its name'),
  )
  // A project may be called what it likes.
  expect(await file('/home/me/my-test/contest/val.jsonl')).toBe('accepted')
  // The validation split of MedMCQA is one.
  expect(await by('medmcqa', 'medmcqa.acc_norm')).toBe('accepted')
})

it('an empty file, an unknown name and a broken recipe are told as such', async () => {
  expect(await mistakes('')).toEqual([
    's.yaml:1:1  the file is empty; a sweep needs at least a recipe, a metric and parameters',
  ])
  await expect(loadSweep('lora-rnk')).rejects.toThrow(
    /no sweep named "lora-rnk" ships.*did you mean "lora-rank"/,
  )
  const folder = folderOf({
    'good.yaml': 'model: gemma3\n',
    's.yaml': `${HEAD}parameters: { adapter.rank: [4] }\n`,
  })
  await expect(loadSweep(path.join(folder, 's.yaml'))).rejects.toThrow(
    /good\.yaml:1:1 {2}dataset: is missing/,
  )
})

it('samplers of third parties are found from the folder of the sweep, with their options checked', async () => {
  const sampler = `export default { kind: 'sampler', name: 'fixed', summary: 'Always the same.',
    options: { type: 'object', properties: { at: { type: 'integer' } }, additionalProperties: false },
    create: ({ at }) => ({ adaptive: false, size: () => 1, ask: ({ space }) => ({ [space[0].path]: space[0].distribution.values[at] }) }) }`
  const text = `${HEAD}plugins: [./fixed.mjs]\nmethod: { use: fixed, at: 1 }\nparameters: { adapter.rank: [4, 8] }\n`
  const folder = folderOf({
    'good.yaml': `${GOOD}train: { eval_every: 2 }\n`,
    's.yaml': text,
    'fixed.mjs': sampler,
  })
  const sweep = await loadSweep(path.join(folder, 's.yaml'))
  expect(sweep.trials).toBe(1)
  const question = { space: sweep.space, seed: 0, index: 0, draw: 0, trials: [] }
  expect(sweep.sampler.ask(question)).toEqual({ 'adapter.rank': 8 })
  await expect(loadSweep(path.join(folder, 's.yaml'), ['method.at=x'])).rejects.toThrow(
    /override "method\.at=x": method\.at: must be a whole number/,
  )
})

it.each([...shippedSweeps()])('%s ships without a mistake', async (name, file) => {
  const sweep = await loadSweep(file)
  expect(sweep.spec.name).toBe(name)
  expect(sweep.trials).toBeGreaterThan(1)
})

const EXAM = (split: string): string =>
  `dataset: { use: hub, repo: some/exam, split: ${split} }\nprompt: "{q}"\nchoices: [A, B]\nanswer: a\n`

/** Ways to a test that only the trials have; what the refusal says of it. */
const ROUNDABOUT: readonly (readonly [string, { [file: string]: string }, RegExp])[] = [
  [
    '{ adapter.rank: [4, 8], eval.0.path: [val.jsonl, data/test.jsonl] }',
    {},
    /"qa" scores path "data\/test\.jsonl", a test by its name: .* \(in trials with eval\.0\.path="data\/test\.jsonl"\)$/,
  ],
  [
    '{ eval: [[{ use: task, name: qa, task: ./exam.yaml }]] }',
    { 'exam.yaml': EXAM('test') },
    /"qa" scores the split "test" of exam/,
  ],
  [
    '{ eval.0: { value: { use: task, name: qa, task: ./group.yaml } } }',
    {
      'group.yaml': 'tasks: [./one.yaml, ./two.yaml]\n',
      'one.yaml': EXAM('validation'),
      'two.yaml': `extends: ./one.yaml\ndataset: { split: "test[:10]" }\n`,
    },
    /"qa" scores the split "test\[:10\]" of two/,
  ],
  [
    '{ eval.0: { value: { use: task, name: qa, task: ./file.yaml } } }',
    {
      'file.yaml': 'dataset: { use: json, path: d/test.json }\nprompt: "{q}"\nchoices: [A, B]\nanswer: a\n',
      'd/test.json': '[{"q": "x", "a": 0}]',
    },
    /"qa" scores path "d\/test\.json", a test by its name of file/,
  ],
  [
    '{ eval.0: { value: { use: task, name: qa, task: ./mixed.yaml } } }',
    {
      'mixed.yaml': `dataset: { use: mix, sources: [{ path: a.jsonl }, { repo: some/exam, split: test }] }
prompt: "{q}"\nchoices: [A, B]\nanswer: a\n`,
      'a.jsonl': '{"q": "x", "a": 0}\n',
    },
    /"qa" scores the split "test" of mixed/,
  ],
  [
    '{ adapter.rank: [4, 8], eval.0.path: { value: test.jsonl, when: { adapter.rank: 8 } } }',
    {},
    /"qa" scores path "test\.jsonl".* \(in trials with eval\.0\.path="test\.jsonl"\)$/,
  ],
  [
    '{ eval.0: { value: { use: loss, name: qa } }, dataset.validation: [test.jsonl], dataset.holdout: 0 }',
    {},
    // Every trial has it: no values are named.
    /"qa" scores dataset\.validation "test\.jsonl", a test by its name: .* once$/,
  ],
]

it.each(ROUNDABOUT)('refuses a test that comes in by %s', async (parameters, files, message) => {
  const qa = '[{ use: multiple-choice, name: qa, path: val.jsonl }]'
  const folder = folderOf({
    'good.yaml': GOOD.replace('[loss]', qa),
    's.yaml': `recipe: good.yaml\nrun_cap: 2\nmetric: { name: qa, goal: maximize }\nparameters: ${parameters}\n`,
    ...files,
  })
  const error = await loadSweep(path.join(folder, 's.yaml')).catch((reason: RecipeError) => reason)
  const problems = (error as RecipeError).problems.map(({ path: at, message: text }) => `${at}: ${text}`)
  expect(problems).toEqual([expect.stringMatching(message)])
  expect(problems[0]).toMatch(/^metric\.name: /)
})

it('refuses held-out rows that are a test, and takes what trials change into validation', async () => {
  const sweepOf = (recipe: string, parameters: string, overrides: readonly string[] = []) => {
    const folder = folderOf({
      'good.yaml': recipe,
      's.yaml': `recipe: good.yaml\nrun_cap: 2\nmetric: { name: holdout.loss, goal: minimize }\nparameters: ${parameters}\n`,
    })
    return loadSweep(path.join(folder, 's.yaml'), overrides).then(
      () => 'accepted',
      (error: Error) => error.message,
    )
  }
  const brought = `${GOOD.replace('holdout: 2', 'validation: ./test.jsonl')}train: { eval_every: 2 }\n`
  expect(await sweepOf(brought, '{ adapter.rank: [4, 8] }')).toMatch(
    /metric\.name: "holdout\.loss" scores dataset\.validation "\.\/test\.jsonl", a test by its name/,
  )
  expect(await sweepOf(brought, '{ dataset.validation: val.jsonl }')).toBe('accepted')
  // Also where the command line brings it in.
  const fine = `${GOOD}train: { eval_every: 2 }\n`
  expect(await sweepOf(fine, '{ adapter.rank: [4, 8] }')).toBe('accepted')
  const typed = ['parameters={ dataset.validation: data/test.jsonl, dataset.holdout: 0 }']
  expect(await sweepOf(fine, '{ adapter.rank: [4, 8] }', typed)).toMatch(/a test by its name/)
})

it('what trials are weighed by beside their metric is no test either', async () => {
  const folder = folderOf({
    'good.yaml': GOOD.replace('[loss]', '[loss, { use: multiple-choice, name: qa, path: test.jsonl }]'),
  })
  const recipe = await loadRecipe(path.join(folder, 'good.yaml'))
  expect(await checkBeside('qa.accuracy', recipe)).toEqual({
    message: expect.stringMatching(/"qa" scores path "test\.jsonl"/),
  })
  for (const figure of ['seconds', 'train.trainable', 'loss', 'loss.perplexity', 'holdout.loss'])
    expect(await checkBeside(figure, recipe)).toBeUndefined()
  const brought = ['dataset.holdout=0', 'dataset.validation=test.jsonl']
  expect(
    await checkBeside('holdout.loss', await loadRecipe(path.join(folder, 'good.yaml'), brought)),
  ).toEqual({
    message: expect.stringMatching(/"holdout\.loss" scores dataset\.validation "test\.jsonl"/),
  })
})

it('a trial whose recipe or task has become a test since the sweep began fails before it trains', async () => {
  const folder = folderOf({
    'good.yaml': GOOD.replace('[loss]', '[{ use: task, name: qa, task: ./exam.yaml }]'),
    'exam.yaml': EXAM('validation'),
    's.yaml':
      'recipe: good.yaml\nrun_cap: 1\nmetric: { name: qa, goal: maximize }\nparameters: { adapter.rank: 4 }\n',
  })
  const { base, spec, watch } = await loadSweep(path.join(folder, 's.yaml'))
  writeFileSync(path.join(folder, 'exam.yaml'), EXAM('test'))
  const sheet: TrialSheet = {
    version: 1,
    sweep: 's',
    trial: '0',
    attempt: 1,
    recipe: base.file,
    overrides: [],
    cwd: folder,
    runsDir: path.join(folder, 'runs'),
    watch,
    beat: 10,
    metric: spec.metric,
  }
  const reasonOf = async (number: number, own: TrialSheet) => {
    const file = path.join(folder, `trials/0/${number}.json`)
    writeSheet(file, own)
    const before = process.cwd()
    await trial(file).finally(() => process.chdir(before))
    return readResult(file)
  }
  const chosen = /"qa" scores the split "test" of exam: choosing by it makes the test part/
  expect(await reasonOf(1, sheet)).toMatchObject({ status: 'failed', reason: expect.stringMatching(chosen) })
  // One that came over a queue was looked at where it came from; it fails of something else.
  expect(await reasonOf(2, { ...sheet, carried: true })).toMatchObject({
    status: 'failed',
    reason: expect.not.stringMatching(chosen),
  })
  expect(existsSync(path.join(folder, 'runs'))).toBe(false)
})
