/** @file Guards in whole runs: what they find is an event and stands in the report; a sound run has no warning. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { plan } from '../../src/plan.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import type { RunOptions } from '../../src/run/options.ts'
import { resume, run } from '../../src/run.ts'
import { Stopped } from '../../src/util/stopped.ts'
import { smallProject } from './project.ts'

let project: string
let count = 0

const QUICK = ['eval=[]', 'train.eval_every=100', 'train.accumulate=1', 'train.pack=false']

beforeAll(async () => {
  project = await smallProject()
})

/** A run's report, or what it failed with, and its events. */
async function attempt(overrides: readonly string[], options: RunOptions = {}) {
  const runsDir = join(project, `runs-${count++}`)
  const resolved = await loadRecipe(join(project, 'recipe.yaml'), [...QUICK, ...overrides])
  const outcome = await run(resolved, { runsDir, ...options }).then(
    (report) => ({ report, error: undefined }),
    (error: Error) => ({ report: undefined, error }),
  )
  const folder = existsSync(runsDir) ? join(runsDir, readdirSync(runsDir)[0]!) : ''
  const events = folder === '' ? [] : readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n')
  return { ...outcome, folder, events: events.map((line) => JSON.parse(line)) }
}

type Attempt = Awaited<ReturnType<typeof attempt>>
const codes = ({ events }: Attempt) =>
  events.filter(({ type }) => type === 'warning').map(({ code }) => code as string)

test('a sound run has no warning, in its events or its report', async () => {
  const sound = await attempt(['train.steps=6'])
  expect(codes(sound)).toEqual([])
  expect(sound.report!.warnings).toEqual([])
})

test('an optimizer that changes nothing is found', async () => {
  writeFileSync(
    join(project, 'idle.mjs'),
    `export default {
      kind: 'optimizer', name: 'idle', summary: 'Does nothing.',
      options: { type: 'object', properties: { lr: { type: 'number' } }, required: ['lr'], additionalProperties: false },
      create: () => ({ init: () => [], update() {} }),
    }`,
  )
  const idle = await attempt([
    `plugins=[${project}/idle.mjs]`,
    'optimizer={use: idle, lr: 0.01}',
    'train.steps=5',
  ])
  expect(codes(idle)).toEqual(['unchanged'])
  expect(idle.report!.warnings).toMatchObject([
    { code: 'unchanged', message: expect.stringMatching(/^no parameter changed in 3 steps up to step 4, /) },
  ])
})

test('a rate of 0 throughout is found by plan as by a run', async () => {
  const zero = [...QUICK, 'train.steps=1', 'schedule.warmup=1']
  const resolved = await loadRecipe(join(project, 'recipe.yaml'), zero)
  expect((await plan(resolved)).warnings).toMatchObject([{ code: 'zero-rate' }])
  const found = await attempt(zero)
  expect(codes(found)).toEqual(['zero-rate'])
})

test('what is odd about the rows stands in the run and its report', async () => {
  const rows = readFileSync(join(project, 'rows.jsonl'), 'utf8').trim().split('\n')
  writeFileSync(join(project, 'odd.jsonl'), [...rows, rows[3], '{"q":"and?","a":""}'].join('\n'))
  const path = `dataset.path=${join(project, 'odd.jsonl')}`
  const odd = await attempt([path, 'train.steps=1', 'schedule.warmup=0', 'dataset.holdout=1'])
  expect(codes(odd).sort()).toEqual(['duplicates', 'empty-answer'])
  expect(odd.report!.warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/1 of 25 rows have an empty answer, .* \(row 26\)/),
    expect.stringMatching(/1 of 25 rows say what an earlier row says, .* \(row 25 = 4\)/),
  ])
})

/** With a rate that overflows, some steps have no number, whatever the rows are. */
const WILD = ['optimizer.lr=1e30', 'schedule={use: constant}', 'train.steps=12', 'train.clip=0']

test('steps without a number fail the run, or are passed over up to a limit', async () => {
  const stopped = await attempt(WILD)
  expect(stopped.error).toMatchObject({ name: 'DivergedError' })
  const limited = await attempt([...WILD, 'train.on_nonfinite=skip', 'train.nonfinite_limit=3'])
  expect(limited.error?.message).toMatch(/4 of the last 100 steps had no number/)
  expect(codes(limited).filter((code) => code === 'nonfinite')).toHaveLength(3)
  expect(limited.events.at(-1)).toMatchObject({ type: 'end', status: 'failed' })
})

test('rollback is refused without checkpoints by steps', async () => {
  const refused = await attempt([...WILD, 'train.on_nonfinite=rollback'])
  expect(refused.error?.message).toMatch(
    /train\.on_nonfinite: rollback returns to the last checkpoint, but checkpoint\.every is not set/,
  )
  expect(refused.folder).toBe('')
})

test('rollback mends what one wild step destroyed, skip cannot, and a resumed run goes back to the same', async () => {
  // The sixth step throws every parameter far away; from the seventh on nothing is a number.
  writeFileSync(
    join(project, 'jolt.mjs'),
    `export default {
      kind: 'schedule', name: 'jolt', summary: 'One wild step.',
      options: { type: 'object', properties: {}, additionalProperties: false },
      create: () => ({ at: (step) => (step === 5 ? 1e32 : 1) }),
    }`,
  )
  const jolt = [`plugins=[${project}/jolt.mjs]`, 'schedule=jolt', 'optimizer.lr=1e-3', 'train.steps=10']
  const saved = [...jolt, 'checkpoint={every: 4, keep: 1}']
  const numbers = ({ events }: Pick<Attempt, 'events'>) =>
    events.filter(({ type }) => type === 'step').map(({ loss }) => typeof loss === 'number')
  const good = (steps: number) => Array.from({ length: 10 }, (_, i) => i < 6 || i >= steps)

  const skipped = await attempt([...saved, 'train.on_nonfinite=skip'])
  expect(numbers(skipped)).toEqual(good(10))
  expect(codes(skipped).filter((code) => code === 'nonfinite')).toHaveLength(4)

  const back = await attempt([...saved, 'train.on_nonfinite=rollback'])
  expect(back.error).toBeUndefined()
  expect(numbers(back)).toEqual(good(7))
  expect(codes(back)).toEqual(['nonfinite'])

  // Interrupted behind the checkpoint of step 4, which leaves a newer one of step 5.
  const controller = new AbortController()
  const cut = await attempt([...saved, 'train.on_nonfinite=rollback'], {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'step' && event.step === 5) controller.abort(new Stopped('SIGINT'))
    },
  })
  expect(readdirSync(join(cut.folder, 'checkpoints')).sort()).toEqual(['4', '5'])
  await resume(cut.folder)
  const adapter = (folder: string) => readFileSync(join(folder, 'adapter/adapter_model.safetensors'))
  expect(adapter(cut.folder).equals(adapter(back.folder))).toBe(true)
})
