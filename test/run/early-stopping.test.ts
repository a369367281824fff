/** @file Early stopping in whole runs: the best weights are kept, put back, evaluated and named, also over a resume. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { summarise } from '../../src/cli/summary.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import type { RunOptions } from '../../src/run/options.ts'
import type { Report } from '../../src/run/report.ts'
import { safeKeys } from '../../src/run/resume.ts'
import { resume, run } from '../../src/run.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { smallProject } from './project.ts'

let project: string
let whole: Awaited<ReturnType<typeof start>>
let count = 0

/** A rate so high that the held-out loss falls, then jumps up. */
const WILD = [
  'train.steps=40',
  'train.accumulate=1',
  'train.eval_every=4',
  'schedule={use: constant}',
  'optimizer.lr=5e-2',
  'adapter.rank=8',
  'eval=[loss]',
]
const STOP = [...WILD, 'early_stopping={patience: 1}']

beforeAll(async () => {
  project = await smallProject()
  whole = await start(STOP)
})

async function start(overrides: readonly string[], options: RunOptions = {}) {
  const runsDir = join(project, `runs-${count++}`)
  const resolved = await loadRecipe(join(project, 'recipe.yaml'), overrides)
  const outcome = await run(resolved, { runsDir, ...options }).then(
    (report) => ({ report, error: undefined }),
    (error: Error) => ({ report: undefined, error }),
  )
  const [made] = readdirSync(project).includes(`runs-${count - 1}`) ? readdirSync(runsDir) : []
  return { ...outcome, folder: made === undefined ? '' : join(runsDir, made) }
}

const eventsOf = (folder: string) =>
  readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const measuredIn = (folder: string, name: string): { step: number; scores: Record<string, number> }[] =>
  eventsOf(folder).filter((event) => event.type === 'eval' && event.name === name)
const bytesOf = (folder: string, name = 'adapter/adapter_model.safetensors') =>
  readFileSync(join(folder, name)).toString('base64')

function lowest(events: readonly { step: number; scores: Record<string, number> }[]) {
  return events.reduce((best, event) => (event.scores.loss! < best.scores.loss! ? event : best))
}

test('training ends where the held-out loss no longer falls, with the weights of its lowest', () => {
  const { report, folder } = whole
  const losses = measuredIn(folder, 'holdout')
  const best = lowest(losses)
  expect(report!.train).toMatchObject({
    best: { step: best.step, metric: 'holdout.loss', value: best.scores.loss },
    stopped_early: true,
    steps: best.step + 4,
  })
  expect(report!.train.steps).toBeLessThan(40)
  // What is written and scored are those weights, not the last ones.
  expect(bytesOf(folder)).toBe(bytesOf(folder, `checkpoints/${best.step}/adapter/adapter_model.safetensors`))
  expect(report!.eval.loss!.tuned.loss).toBeCloseTo(best.scores.loss!, 4)
  expect(losses.at(-1)!.scores.loss).toBeGreaterThan(best.scores.loss! + 1e-3)
  expect(summarise(report as Report)).toMatch(
    new RegExp(
      `training ended early, at step ${best.step + 4}; kept the weights of step ${best.step}, holdout\\.loss \\d`,
    ),
  )
})

test('interrupted before and after its best step, it comes to the same, bit for bit', async () => {
  const { best, steps } = whole.report!.train
  for (const at of [best!.step - 1, best!.step + 2]) {
    const controller = new AbortController()
    const { folder, error } = await start(STOP, {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'step' && event.step === at) controller.abort(new Stopped('SIGINT'))
      },
    })
    expect(error).toBeInstanceOf(Stopped)
    const report = await resume(folder)
    expect(report.train).toMatchObject({ best, steps, stopped_early: true })
    expect(bytesOf(folder)).toBe(bytesOf(whole.folder))
    expect(measuredIn(folder, 'holdout').map(({ scores }) => scores)).toEqual(
      measuredIn(whole.folder, 'holdout').map(({ scores }) => scores),
    )
  }
})

test('without patience it trains to the end and keeps the best all the same', async () => {
  const { report, folder } = await start([...WILD, 'train.steps=24', 'early_stopping={}'])
  const best = lowest(measuredIn(folder, 'holdout'))
  expect(report!.train).toMatchObject({ steps: 24, stopped_early: false, best: { step: best.step } })
  expect(bytesOf(folder)).toBe(bytesOf(folder, `checkpoints/${best.step}/adapter/adapter_model.safetensors`))
})

test('an evaluation of the recipe decides, measured every few steps', async () => {
  const { report, folder } = await start([
    'train.steps=12',
    'train.accumulate=1',
    'eval=[{use: multiple-choice, name: colours, path: questions.jsonl, every: 5}]',
    `eval.0.path=${join(project, 'questions.jsonl')}`,
    'early_stopping={metric: colours.acc_norm}',
  ])
  // Before, at 5 and 10, at the last step, and once more for the weights that were kept.
  const measured = measuredIn(folder, 'colours')
  expect(measured.map(({ step }) => step)).toEqual([0, 5, 10, 12, 12])
  const values = measured.slice(1, 4).map(({ scores }) => scores.acc_norm!)
  const { best } = report!.train
  expect(best).toMatchObject({ metric: 'colours.acc_norm', value: Math.max(...values) })
  // Each look is on record: before, at 5, 10 and 12, and after.
  const looks = readFileSync(join(folder, 'eval/scorings.jsonl'), 'utf8').trim().split('\n')
  expect(looks.map((line) => JSON.parse(line).step)).toEqual([undefined, 5, 10, 12, undefined])
  expect(looks.map((line) => JSON.parse(line).items)).toEqual([9, 9, 9, 9, 9])
  expect(best!.step).toBe([5, 10, 12][values.indexOf(Math.max(...values))])
  expect(measured[4]!.scores.acc_norm).toBe(best!.value)
})

test('eval_rows takes the loss over a part of the held-out rows', async () => {
  const loss = async (rows: readonly string[]) => {
    const { folder } = await start(['train.steps=1', 'train.eval_every=1', 'eval=[]', ...rows])
    return measuredIn(folder, 'holdout')[0]!.scores.loss
  }
  const [all, half] = [await loss(['train.eval_rows=4']), await loss(['train.eval_rows=2'])]
  expect(Number.isFinite(all)).toBe(true)
  expect(half).not.toBe(all)
})

test.each([
  [
    ['train.eval_every=3', 'early_stopping.metric=holdout.los'],
    /the recipe does not measure "holdout\.los"; did you mean "holdout\.loss"/,
  ],
  [
    ['eval.1.name=final_test', 'eval.1.every=2', 'early_stopping.metric=final_test'],
    /early_stopping\.metric: "final_test" scores a test by its name: choosing by it makes the test part of training/,
  ],
  [
    ['early_stopping.metric=colours'],
    /"colours" is measured only before and after training: set eval\.1\.every/,
  ],
  [
    ['dataset={ use: jsonl, path: rows.jsonl, validation: test.jsonl, holdout: 0 }', 'early_stopping={}'],
    /early_stopping\.metric: "holdout\.loss" scores dataset\.validation "test\.jsonl", a test by its name/,
  ],
  [
    [
      'dataset={ use: jsonl, path: rows.jsonl, validation: test.jsonl, holdout: 0 }',
      'eval.0={ use: loss, every: 2 }',
      'early_stopping={ metric: loss }',
    ],
    /early_stopping\.metric: "loss" scores dataset\.validation "test\.jsonl", a test by its name/,
  ],
  [['early_stopping.patience=0'], /early_stopping\.patience: must be/],
  [
    ['early_stopping_patience=3'],
    /early_stopping_patience: unknown key; did you mean "early_stopping\.patience"/,
  ],
])('refused before anything is written: %s', async (overrides, message) => {
  writeFileSync(join(project, 'test.jsonl'), '{"q": "colour 90?", "a": "red"}\n')
  const resolved = loadRecipe(join(project, 'recipe.yaml'), overrides, project)
  await expect(resolved.then((recipe) => run(recipe, { runsDir: join(project, 'none') }))).rejects.toThrow(
    message,
  )
  expect(readdirSync(project)).not.toContain('none')
})

test('what decides by an evaluation, or returns to checkpoints, may not be changed by a resume', async () => {
  const safe = async (overrides: readonly string[]) =>
    safeKeys((await loadRecipe(join(project, 'recipe.yaml'), overrides)).recipe)
  expect(await safe([])).toEqual(['checkpoint', 'eval', 'exports', 'plugins', 'samples', 'trackers'])
  expect(await safe(['early_stopping.patience=1'])).toContain('eval')
  expect(await safe(['early_stopping.metric=colours'])).not.toContain('eval')
  expect(await safe(['train.on_nonfinite=rollback', 'checkpoint.every=2'])).not.toContain('checkpoint')
})

test('a score that the evaluation does not give is told once the base model is scored', async () => {
  const { error, folder } = await start(['eval.1.every=2', 'early_stopping.metric=colours.f1'])
  expect(error?.message).toMatch(
    /early_stopping\.metric: "colours" has no score "f1"; it has: accuracy, .*acc_norm/,
  )
  expect(eventsOf(folder).filter(({ type }) => type === 'step')).toEqual([])
})
