import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import type { RunOptions } from '../../src/run/options.ts'
import { run } from '../../src/run.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { smallProject } from './project.ts'

let project: string
let count = 0

beforeAll(async () => {
  project = await smallProject()
})

interface Attempt {
  readonly folder: string
  readonly report: Awaited<ReturnType<typeof run>> | undefined
  readonly error: Error | undefined
}

async function attempt(overrides: readonly string[] = [], options: RunOptions = {}): Promise<Attempt> {
  const runsDir = join(project, `runs-${count++}`)
  const resolved = await loadRecipe(join(project, 'recipe.yaml'), overrides)
  const settled = await run(resolved, { runsDir, ...options }).then(
    (report) => ({ report, error: undefined }),
    (error: Error) => ({ report: undefined, error }),
  )
  const made = existsSync(runsDir) ? readdirSync(runsDir) : []
  return { ...settled, folder: made.length === 1 ? join(runsDir, made[0]!) : '' }
}

const json = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
const lines = (folder: string, name: string) =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('a run learns, and its folder tells all of it', async () => {
  const { report, folder, error } = await attempt()
  expect(error).toBeUndefined()
  expect(json(folder, 'report.json')).toEqual(JSON.parse(JSON.stringify(report)))
  expect(report).toMatchObject({ name: 'small', status: 'done', folder, exports: [], warnings: [] })
  expect(report!.train).toMatchObject({ steps: 6, trainable: expect.any(Number) })
  expect(report!.train.loss_last).toBeLessThan(report!.train.loss_first)
  expect(report!.train.peak_rss_bytes).toBeGreaterThan(50e6)
  expect(report!.census.train).toMatchObject({ rows: 20, documents: 20 })
  expect(report!.census.holdout).toMatchObject({ rows: 4 })

  const events = lines(folder, 'events.jsonl')
  expect(events.map(({ type }) => type).join(' ')).toBe(
    'start eval eval step step step eval step step step eval checkpoint eval eval end',
  )
  const steps = events.filter(({ type }) => type === 'step')
  expect(steps[0].loss).toBe(report!.train.loss_first)
  expect(steps.reduce((total, { tokens }) => total + tokens, 0)).toBe(report!.train.tokens)
  expect(events.at(-1)).toMatchObject({ status: 'done' })
  expect(json(folder, 'run.json')).toMatchObject({ status: 'done', step: 6, steps: 6, hash: report!.hash })
  expect(readFileSync(join(folder, 'recipe.yaml'), 'utf8')).toBe(
    readFileSync(join(project, 'recipe.yaml'), 'utf8'),
  )
  expect(json(folder, 'resolved.json')).toMatchObject({ seed: 42, recipe: { adapter: { rank: 4 } } })
  expect(readdirSync(join(folder, 'adapter')).sort()).toContain('adapter_model.safetensors')
})

test('scores of base and tuned are reported with their uncertainty and their difference', async () => {
  const { report, folder } = await attempt()
  const { loss, colours } = report!.eval
  expect(colours!.metric).toBe('accuracy')
  for (const which of ['base', 'tuned'] as const) {
    expect(lines(folder, `eval/colours.${which}.jsonl`)).toHaveLength(9)
    expect(lines(folder, `eval/loss.${which}.jsonl`)).toHaveLength(4)
    expect(colours![which]).toMatchObject({ n: 9, chance: 1 / 3, accuracy: expect.any(Number) })
    const weight = lines(folder, `eval/loss.${which}.jsonl`).reduce((total, item) => total + item.weight, 0)
    expect(loss![which]).toMatchObject({ n: 4, tokens: weight })
    expect(loss![which].perplexity).toBeCloseTo(Math.exp(Number(loss![which].loss)), 6)
  }
  // Documents are known by what they are, so that losses of others are not paired with them.
  const documents = (which: string): string[] =>
    lines(folder, `eval/loss.${which}.jsonl`).map(({ document }) => document)
  expect(new Set(documents('base')).size).toBe(4)
  expect(documents('tuned')).toEqual(documents('base'))
  const change = Number(loss!.tuned.loss) - Number(loss!.base.loss)
  expect(loss!.difference.loss).toBeCloseTo(change, 9)
  expect(change).toBeLessThan(-0.5)
  // The training program scores the holdout as the scoring program does.
  const holdout = lines(folder, 'events.jsonl').filter(({ name }) => name === 'holdout')
  expect(holdout.map(({ step }) => step)).toEqual([3, 6])
  expect(holdout[1].scores.loss).toBeCloseTo(Number(loss!.tuned.loss), 4)
})

test('the same recipe gives the same numbers and the same adapter', async () => {
  const [one, two] = [await attempt(), await attempt()]
  const numbers = ({ folder }: Attempt) =>
    lines(folder, 'events.jsonl')
      .filter(({ type }) => type === 'step')
      .map(({ loss, grad_norm, lr }) => [loss, grad_norm, lr])
  expect(numbers(one)).toEqual(numbers(two))
  const bytes = ({ folder }: Attempt) => readFileSync(join(folder, 'adapter/adapter_model.safetensors'))
  expect(bytes(one).equals(bytes(two))).toBe(true)
  expect(one.report!.hash).toBe(two.report!.hash)
})

test.each([
  ['template.model="{reply}"', /template\.model: the dataset has no column "reply"; its columns: q, a/],
  ['template.user="{Q}"', /template\.user: .*no column "Q"; did you mean "q"/],
  ['train.precision=bf16', /train\.precision: "bf16" is not offered by compute "onnxruntime"; it has: fp32/],
  ['train.max_length=100000', /train\.max_length: is 100000, .* at most 256/],
  ['dataset.holdout=0', /train\.eval_every: asks for a holdout loss, but dataset\.holdout is 0/],
  ['dataset.holdout=24', /dataset\.holdout: keeps 24 of 24 rows out/],
  ['eval=[{ use: loss, name: train }]', /eval\.0: cannot be named "train": training measures holdout\.loss/],
  ['eval=[loss, loss]', /eval\.1: is the second one named "loss"/],
  ['adapter.targets=[nothing]', /adapter\.targets/],
])('refused before anything is written: %s', async (override, message) => {
  const { error, folder } = await attempt([override])
  expect(error).toMatchObject({ name: 'RecipeError', message: expect.stringMatching(message) })
  expect(folder).toBe('')
})

test('a bad row far down is met before the run has a folder', async () => {
  const rows = readFileSync(join(project, 'rows.jsonl'), 'utf8').split('\n')
  rows[20] = '{"q": "no answer"}'
  writeFileSync(join(project, 'bad.jsonl'), rows.join('\n'))
  const { error, folder } = await attempt([`dataset.path=${join(project, 'bad.jsonl')}`])
  expect(error).toMatchObject({ name: 'InputError', message: expect.stringMatching(/^row 21 .*"a"/) })
  expect(folder).toBe('')
})

test('a row that cannot be tokenised fails the run before anything is computed, and its folder says so', async () => {
  const { error, folder } = await attempt(['train.max_length=8', 'train.over_length=error'])
  expect(error).toMatchObject({ name: 'InputError', message: expect.stringMatching(/^row \d+ .* tokens/) })
  expect(lines(folder, 'events.jsonl').map(({ type }) => type)).toEqual(['start', 'end'])
  expect(json(folder, 'run.json')).toMatchObject({ status: 'failed', reason: error!.message })
  expect(lines(folder, 'events.jsonl').at(-1)).toMatchObject({ type: 'end', status: 'failed' })
  expect(readFileSync(join(folder, 'logs/error.txt'), 'utf8')).toContain(error!.message)
})

test('a stop between two steps ends the run as stopped', async () => {
  const controller = new AbortController()
  const { error, folder } = await attempt(['train.steps=1000'], {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'step' && event.step === 2) controller.abort(new Stopped('SIGINT'))
    },
  })
  expect(error).toBeInstanceOf(Stopped)
  expect(json(folder, 'run.json')).toMatchObject({ status: 'stopped', reason: 'SIGINT' })
  const events = lines(folder, 'events.jsonl')
  expect(events.filter(({ type }) => type === 'step')).toHaveLength(2)
  expect(events.at(-1)).toMatchObject({ type: 'end', status: 'stopped', reason: 'SIGINT' })
})

test('a stop during the last evaluation keeps what was trained', async () => {
  const controller = new AbortController()
  const { error, folder } = await attempt([], {
    signal: controller.signal,
    onProgress: ({ phase }) => phase === 'evaluate tuned: loss' && controller.abort(new Stopped('SIGINT')),
  })
  expect(error).toBeInstanceOf(Stopped)
  const whole = await attempt()
  const [kept, expected] = [folder, whole.folder].map((path) =>
    readFileSync(join(path, 'adapter/adapter_model.safetensors')),
  )
  expect(kept!.equals(expected!)).toBe(true)
})

test('a learning rate that blows up ends the run with advice', async () => {
  const { error, folder } = await attempt(['optimizer.lr=1e30', 'schedule.use=constant', 'train.clip=0'])
  expect(error).toMatchObject({
    name: 'DivergedError',
    message: expect.stringMatching(/lower optimizer\.lr/),
  })
  const last = lines(folder, 'events.jsonl').filter(({ type }) => type === 'step')
  expect(last.at(-1).loss).toMatch(/NaN|Infinity/)
  expect(json(folder, 'run.json')).toMatchObject({ status: 'failed' })
})

test('a tracker that crashes leaves a warning and a finished run', async () => {
  writeFileSync(
    join(project, 'crash.mjs'),
    `export default { kind: 'tracker', name: 'crash', summary: 'fails', options: { type: 'object', properties: {}, additionalProperties: false },
      create: () => ({ record() { throw new Error('tracker down') } }) }`,
  )
  const { report, folder, error } = await attempt([
    `plugins=[${join(project, 'crash.mjs')}]`,
    'trackers=[crash]',
    'train.steps=2',
  ])
  expect(error).toBeUndefined()
  expect(report!.status).toBe('done')
  const warnings = lines(folder, 'events.jsonl').filter(({ type }) => type === 'warning')
  expect(warnings.map(({ message }) => message)).toEqual(['tracker crash: tracker down; the run goes on'])
})

test('a lost compute thread fails the run, which says so', async () => {
  writeFileSync(
    join(project, 'dies.mjs'),
    `export default { kind: 'optimizer', name: 'dies', summary: 'ends its thread at the second step',
      options: { type: 'object', properties: { lr: { type: 'number', default: 1 } }, additionalProperties: false },
      create: () => ({ init: () => [], update(name, value, gradient, state, { step }) { if (step === 2) process.exit(7) } }) }`,
  )
  const { error, folder } = await attempt([`plugins=[${join(project, 'dies.mjs')}]`, 'optimizer.use=dies'])
  expect(error).toMatchObject({ name: 'ExecutorError', kind: 'worker-lost' })
  expect(error?.message).toBe('the compute thread ended with code 7')
  expect(json(folder, 'run.json')).toMatchObject({ status: 'failed', reason: error!.message })
})
