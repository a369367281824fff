/** @file The mirror of a run on a server that enforces MLflow's limits: live, after faults, and sent later. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import mlflow from '../../../plugins/tracker/mlflow.ts'
import type { RunEventBody, Tracker } from '../../../src/plugin/contract.ts'
import { EventLog } from '../../../src/track/events.ts'
import { type FakeMlflow, type FakeRun, startFakeMlflow } from '../../helpers/fake-mlflow.ts'
import { execute, MEDTUNE } from '../../helpers/program.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { smallProject } from '../../run/project.ts'

let server: FakeMlflow
beforeAll(async () => {
  server = await startFakeMlflow()
})
afterAll(() => server.close())
beforeEach(() => {
  server.runs.clear()
  server.artifacts.clear()
  server.requests.length = 0
  server.faults.length = 0
})

const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }
const create = async (options: object = {}): Promise<Tracker> =>
  mlflow.create(
    { uri: server.url, experiment: 'tests', nan: 'skip', artifacts: 'records', ...options },
    context,
  )

/** A run folder without events. */
function runFolder(): string {
  const folder = join(tempFolder(), '2026-01-01T00-00-00Z-small-abcdef01')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'run.json'),
    JSON.stringify({ hash: 'abc', medtune: '0.1.0', git: { commit: 'f00' } }),
  )
  writeFileSync(join(folder, 'report.json'), '{}')
  return folder
}

const hardware = { cpu: 'x', cores: 2, memory_bytes: 1, platform: 'linux', node: 'v20' }
const start = (recipe: object = { adapter: { rank: 4, targets: ['q_proj'] }, 'odd:key': 'é'.repeat(9000) }) =>
  ({ type: 'start', recipe: recipe as Record<string, unknown>, hardware }) as const
const step = (n: number, loss = 1 / n): RunEventBody => ({
  type: 'step',
  step: n,
  epoch: 1,
  loss,
  grad_norm: 1,
  lr: 1e-3,
  tokens: 100,
  label_tokens: 50,
  seconds: 0.1,
})
const end = { type: 'end', status: 'done' } as const

const only = (): FakeRun => {
  expect(server.runs.size).toBe(1)
  return [...server.runs.values()][0]!
}
const stepsOf = (run: FakeRun, key = 'train/loss'): number[] =>
  run.metrics.filter((metric) => metric.key === key).map((metric) => metric.step)

/** Records events through a tracker, as a run does; returns the warnings that came of it. */
async function record(folder: string, tracker: Tracker, events: readonly RunEventBody[]): Promise<string[]> {
  const log = new EventLog(join(folder, 'events.jsonl'), [{ name: 'mlflow', tracker }])
  for (const event of events) log.emit(event)
  await log.close(end)
  const lines = readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n')
  return lines
    .map((line) => JSON.parse(line))
    .flatMap(({ type, message }) => (type === 'warning' ? [message] : []))
}

test('a run is there with parameters, tags, every figure of 2,500 steps, its records and its end', async () => {
  const folder = runFolder()
  const events = Array.from({ length: 2500 }, (_, i) => step(i + 1))
  const scores = { type: 'eval', step: 2500, name: 'held out', scores: { accuracy: 0.5 } } as const
  expect(await record(folder, await create(), [start(), ...events, scores])).toEqual([])
  const run = only()
  expect([run.name, run.status, run.experiment]).toEqual([
    '2026-01-01T00-00-00Z-small-abcdef01',
    'FINISHED',
    '1',
  ])
  expect(run.params.get('adapter.rank')).toBe('4')
  expect(run.params.get('adapter.targets')).toBe('["q_proj"]')
  expect(run.params.get('odd_key')).toHaveLength(6000)
  expect(run.tags.get('mlflow.source.git.commit')).toBe('f00')
  expect(stepsOf(run)).toEqual(events.map((_, i) => i + 1))
  expect(run.metrics.find(({ key }) => key === 'eval/held out/accuracy')).toMatchObject({
    value: 0.5,
    step: 2500,
  })
  expect([...server.artifacts.keys()]).toEqual(['1/run1/artifacts/report.json'])
  const batches = server.requests.filter(({ path }) => path.endsWith('log-batch'))
  expect(batches.length).toBeLessThan(30)
})

test('NaN is counted instead of sent, or sent by its name', async () => {
  const events = [start(), step(1), step(2, Number.NaN), step(3, Number.POSITIVE_INFINITY)]
  await record(runFolder(), await create(), events)
  const run = only()
  expect(stepsOf(run)).toEqual([1])
  const counts = run.metrics.filter(({ key }) => key === 'nan_count/train/loss')
  expect(counts.map(({ step: at, value }) => [at, value])).toEqual([
    [2, 1],
    [3, 2],
  ])
  server.runs.clear()
  await record(runFolder(), await create({ nan: 'string' }), events)
  expect(
    only()
      .metrics.filter(({ key }) => key === 'train/loss')
      .map(({ value }) => value),
  ).toEqual([1, 'NaN', 'Infinity'])
})

test('a busy server is asked again, and what broke off on the way is not sent twice', async () => {
  const folder = runFolder()
  // Twice away; then experiment and run are made, but the answer to the figures is lost, three times over.
  server.faults.push(503, 429, 'none', 'none', 'none', 'none', 'cut', 'cut', 'cut')
  const events = [start({}), step(1), step(2)]
  await record(folder, await create(), events)
  const tracker = await create()
  await tracker.open?.(folder)
  await tracker.close?.()
  const run = only()
  expect(stepsOf(run)).toEqual([1, 2])
  expect(run.status).toBe('FINISHED')
})

test('a dead server costs one warning that says how to send it later; sync sends it, once', async () => {
  const dead = await startFakeMlflow()
  await dead.close()
  const folder = runFolder()
  const [warning, ...others] = await record(folder, await create({ uri: dead.url }), [
    start(),
    step(1),
    step(2),
  ])
  expect(others).toEqual([])
  expect(warning).toMatch(
    /cannot be reached \(ECONNREFUSED\).*medtune sync mlflow .*small-abcdef01; the run goes on/,
  )
  for (let i = 0; i < 2; i++) {
    const tracker = await create()
    await tracker.open?.(folder)
    await tracker.close?.()
  }
  expect(stepsOf(only())).toEqual([1, 2])
})

test('a resumed run says steps again: they are not doubled, and a changed parameter becomes a tag', async () => {
  const folder = runFolder()
  const file = join(folder, 'events.jsonl')
  await record(folder, await create(), [start({ train: { steps: 3 } }), step(1), step(2), step(3)])
  const kept = readFileSync(file, 'utf8').split('\n').slice(0, 2).join('\n')
  truncateSync(file, Buffer.byteLength(kept) + 1)
  const resume = { ...start({ train: { steps: 4 } }), type: 'resume', step: 1 } as const
  await record(folder, await create(), [resume, step(2), step(3), step(4)])
  const run = only()
  expect(stepsOf(run)).toEqual([1, 2, 3, 4])
  expect(run.params.get('train.steps')).toBe('3')
  expect(run.tags.get('medtune.changed.train.steps')).toBe('4')
})

test('a torn last line waits until it is whole', async () => {
  const folder = runFolder()
  const file = join(folder, 'events.jsonl')
  const line = (body: object): string => `${JSON.stringify({ time: new Date(0).toISOString(), ...body })}\n`
  writeFileSync(file, line(start({})) + line(step(1)) + line(step(2)).slice(0, 20))
  const tracker = await create()
  await tracker.open?.(folder)
  await tracker.close?.()
  expect(stepsOf(only())).toEqual([1])
  appendFileSync(file, line(step(2)).slice(20))
  const later = await create()
  await later.open?.(folder)
  await later.close?.()
  expect(stepsOf(only())).toEqual([1, 2])
})

test.for([
  [401, /refuses the credentials \(401\): set MLFLOW_TRACKING_USERNAME/],
  [404, /answers 404/],
] as const)('status %i for good is told with what to do', async ([status, message]) => {
  server.faults.push(...Array.from({ length: 50 }, () => status))
  const [warning] = await record(runFolder(), await create(), [start()])
  expect(warning).toMatch(message)
})

test('credentials of the environment go with every request', async () => {
  vi.stubEnv('MLFLOW_TRACKING_USERNAME', 'me')
  vi.stubEnv('MLFLOW_TRACKING_PASSWORD', 'secret')
  await record(runFolder(), await create(), [start({})])
  vi.unstubAllEnvs()
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`
  expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(new Set([basic]))
})

test('an address that is none, or of another machine while offline, is refused', async () => {
  expect(() =>
    mlflow.create({ uri: 'nonsense', experiment: 'x', nan: 'skip', artifacts: 'none' }, context),
  ).toThrow(/not the address of a server/)
  vi.stubEnv('MEDTUNE_OFFLINE', '1')
  expect(() =>
    mlflow.create({ uri: 'http://mlflow.example', experiment: 'x', nan: 'skip', artifacts: 'none' }, context),
  ).toThrow(/mlflow\.example is not this machine/)
  vi.unstubAllEnvs()
})

test('a whole run is mirrored while it trains; another, made without, is sent by medtune sync', async () => {
  const project = await smallProject()
  const trackers = `trackers=[{ use: mlflow, uri: "${server.url}" }, tensorboard]`
  const live = await execute(process.execPath, [...MEDTUNE, 'run', 'recipe.yaml', trackers], { cwd: project })
  expect(live.code, live.stderr).toBe(0)
  const [run] = [...server.runs.values()]
  expect(run!.status).toBe('FINISHED')
  expect(stepsOf(run!)).toEqual([1, 2, 3, 4, 5, 6])
  expect(run!.params.get('optimizer.lr')).toBe('0.05')
  expect(stepsOf(run!, 'eval/holdout/loss')).toEqual([3, 6])
  const [folder] = readdirSync(join(project, 'runs'))
  expect(readdirSync(join(project, 'runs', folder!, 'tensorboard'))).toHaveLength(1)

  await execute(process.execPath, [...MEDTUNE, 'run', 'recipe.yaml', '--runs-dir', 'later'], { cwd: project })
  const [later] = readdirSync(join(project, 'later'))
  const target = join('later', later!)
  const synced = await execute(
    process.execPath,
    [...MEDTUNE, 'sync', 'mlflow', target, `uri=${server.url}`],
    {
      cwd: project,
    },
  )
  expect([synced.code, synced.stderr]).toEqual([0, ''])
  expect(stepsOf(server.runs.get('run2')!)).toEqual([1, 2, 3, 4, 5, 6])
  expect(
    [...server.artifacts.keys()]
      .filter((name) => name.includes('run2'))
      .map((name) => name.split('/').at(-1)),
  ).toEqual(['recipe.yaml', 'resolved.json', 'report.json'])
  const wrong = await execute(process.execPath, [...MEDTUNE, 'sync', 'mlflow', target, 'url=x'], {
    cwd: project,
  })
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toMatch(/mlflow url: unknown option; allowed: uri, experiment, nan, artifacts/)
})
