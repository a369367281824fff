/** @file A sweep on an MLflow server: one run for it, the runs of its trials below, however they come. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import mlflow from '../../../plugins/tracker/mlflow.ts'
import type { RunEvent } from '../../../src/plugin/contract.ts'
import { readSweep } from '../../../src/track/sweep-journal.ts'
import { type FakeMlflow, type FakeRun, startFakeMlflow } from '../../helpers/fake-mlflow.ts'
import { medtuneIn } from '../../helpers/program.ts'
import { makeSweepProject } from '../../helpers/sweep-project.ts'
import { tempFolder } from '../../helpers/temp.ts'

let server: FakeMlflow
beforeEach(async () => {
  server = await startFakeMlflow()
})
afterEach(() => server.close())

interface Tree {
  readonly id: string
  readonly parent: FakeRun
  readonly children: readonly FakeRun[]
}

/** The one sweep of an experiment; every other run that is there must be its child. */
function tree(experiment = '1'): Tree {
  const runs = [...server.runs].filter(([, run]) => run.experiment === experiment && !run.deleted)
  const parents = runs.filter(([, run]) => run.tags.get('medtune.role') === 'sweep')
  expect(parents).toHaveLength(1)
  const [id, parent] = parents[0]!
  const children = runs.filter(([other]) => other !== id).map(([, run]) => run)
  expect(children.map(({ tags }) => tags.get('mlflow.parentRunId'))).toEqual(children.map(() => id))
  return { id, parent, children }
}

// ---------------------------------------------------------------------------------- a real sweep

test('a real sweep is a tree; sent later, to another experiment, it is the same tree', async () => {
  const project = tempFolder()
  await makeSweepProject(project, { sweep: 'method: random\nrun_cap: 2\nworkers: 2\n', steps: 2 })
  appendFileSync(join(project, 'recipe.yaml'), `trackers: [{ use: mlflow, uri: "${server.url}" }]\n`)
  const env = { MEDTUNE_CACHE: join(project, 'cache') }
  const swept = await medtuneIn(['sweep', 'sweep.yaml'], { cwd: project, env })
  expect(swept.code, swept.stderr).toBe(0)
  const [name] = readdirSync(join(project, 'runs'))
  const folder = join(project, 'runs', name!)
  const { header, trials } = readSweep(folder)

  const check = ({ parent, children }: Tree): void => {
    expect([parent.name, parent.status, parent.start]).toEqual([name, 'FINISHED', Date.parse(header.time)])
    expect(children.map(({ tags }) => tags.get('medtune.trial')).sort()).toEqual(trials.map(({ id }) => id))
    expect(children.map(({ tags }) => tags.get('medtune.sweep'))).toEqual(children.map(() => header.id))
    expect(parent.end).toBe(Math.max(...children.map(({ end }) => end!)))
    const params = ['method.use', 'metric.name', 'metric.goal', 'run_cap', 'parameters.adapter.rank.values']
    expect(params.map((key) => parent.params.get(key))).toEqual([
      'random',
      'holdout.loss',
      'minimize',
      '2',
      '[2,4,8]',
    ])
    expect(parent.tags.get('mlflow.note.content')).toMatch(/tiny-sweep.*holdout\.loss \(minimize\)/)
  }
  check(tree())

  const runs = trials.map(({ run }) => join(folder, run!))
  for (const run of runs) rmSync(join(run, '.sync'), { recursive: true })
  const sync = async (what: readonly string[], experiment: string): Promise<void> => {
    const args = ['sync', 'mlflow', ...what, `uri=${server.url}`, `experiment=${experiment}`]
    const sent = await medtuneIn(args, { cwd: project, env })
    expect([sent.code, sent.stderr]).toEqual([0, ''])
  }
  await sync(runs, 'later')
  check(tree('2'))
  expect(tree().children).toHaveLength(2)

  // The last of them dies before it can say so, and is never tried again; another still runs.
  const [one, last] = runs as [string, string]
  const seen = die(last)
  await sync([folder], 'died')
  const { parent, children } = tree('3')
  expect([parent.status, parent.end]).toEqual([
    'FINISHED',
    Math.max(seen, ...children.map(({ end }) => end!)),
  ])
  const dead = children.find(({ name }) => name === basename(last))!
  expect([dead.status, dead.end, dead.tags.get('medtune.reason')]).toEqual([
    'FAILED',
    seen,
    'the process died without a word',
  ])
  die(one, { pid: process.pid, heartbeat: new Date().toISOString() })
  await sync([folder], 'alive')
  expect([
    tree('4').parent.status,
    ...tree('4')
      .children.map(({ status }) => status)
      .sort(),
  ]).toEqual(['RUNNING', 'FAILED', 'RUNNING'])
})

/** Makes of a finished run what a process leaves that is killed at its end; returns its last sign of life, ms. */
function die(run: string, record: object = { pid: 2 ** 22 + 1 }): number {
  const events = readFileSync(join(run, 'events.jsonl'), 'utf8').trimEnd().split('\n')
  expect(JSON.parse(events.pop()!)).toMatchObject({ type: 'end', status: 'done' })
  writeFileSync(join(run, 'events.jsonl'), `${events.join('\n')}\n{"time":`)
  rmSync(join(run, 'report.json'))
  const file = join(run, 'run.json')
  const seen = Date.parse((JSON.parse(events.at(-1)!) as { time: string }).time) + 5000
  const before = JSON.parse(readFileSync(file, 'utf8')) as object
  const now = { ...before, status: 'running', heartbeat: new Date(seen).toISOString(), ...record }
  writeFileSync(file, JSON.stringify(now))
  return seen
}

// ---------------------------------------------------------------------------------- what may go wrong

const time = (second: number): string => new Date(1e12 + 1000 * second).toISOString()
const line = (body: object): string => `${JSON.stringify(body)}\n`

/** Run folder of a trial that began at `second`, as it stands on a machine that sees the sweep's folder or does not. */
function trialFolder(trial: string, second: number, parent = tempFolder()): string {
  const folder = join(parent, 'runs', `run-${trial}-${second}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ sweep: { id: 'ab12', trial } }))
  writeFileSync(join(folder, 'events.jsonl'), line({ type: 'start', time: time(second), recipe: {} }))
  return folder
}
const end = (folder: string, second: number, status = 'done'): void =>
  appendFileSync(join(folder, 'events.jsonl'), line({ type: 'end', time: time(second), status }))

interface Signal {
  readonly given: Promise<void>
  readonly give: () => void
}

function signal(): Signal {
  let give = (): void => {}
  const given = new Promise<void>((resolve) => {
    give = resolve
  })
  return { given, give }
}

const warnings: string[] = []
const context = {
  recipeDir: '',
  resolvePath: (path: string) => path,
  seed: 0,
  warn: (_code: string, message: string) => void warnings.push(message),
}
/** Sends what a run's folder has gained, as a process of its own would; `told` as an end that it does not hold. */
async function send(folder: string, told?: RunEvent): Promise<void> {
  const options = { uri: server.url, experiment: 'tests', nan: 'skip', artifacts: 'none' } as const
  const tracker = mlflow.create(options, context)
  await (await tracker).open?.(folder)
  if (told) await (await tracker).record(told)
  await (await tracker).close?.()
}

test('two trials that see no sweep each make one: in the end there is one, with all trials below it', async () => {
  // The later one has the lesser id, so the first trial has settled on a run that goes.
  server.settings.id = (n) => String(1000 - n)
  const [one, other, third] = ['0000-a', '0001-b', '0002-c'].map((trial, i) => trialFolder(trial, i))
  // Neither makes its run before both have looked; the second not before the first has gone below its own.
  const [both, settled] = [signal(), signal()]
  let parents = 0
  server.settings.before = (call, body) => {
    const tags = (body.tags ?? []) as { key: string }[]
    if (tags.some(({ key }) => key === 'mlflow.parentRunId')) void Promise.resolve().then(settled.give)
    if (call !== 'runs/create' || !tags.some(({ key }) => key === 'medtune.role')) return undefined
    if (++parents === 1) return both.given
    both.give()
    return settled.given
  }
  await Promise.all([send(one!), send(other!)])
  expect(parents).toBe(2)
  const { id, children } = tree()
  expect(children).toHaveLength(2)
  expect([...server.runs.values()].filter(({ deleted }) => deleted)).toHaveLength(1)
  await send(third!)
  for (const [i, folder] of [one, other, third].entries()) end(folder!, 10 + i)
  for (const folder of [one, other, third]) await send(folder!)
  expect(tree().id).toBe(id)
  expect(tree().children).toHaveLength(3)
  expect([tree().parent.status, tree().parent.end]).toEqual(['FINISHED', 1e12 + 12_000])
})

test('six trials at once, and pages of one run: one sweep', async () => {
  server.settings.page = 1
  const folders = Array.from({ length: 6 }, (_, i) => trialFolder(`000${i}-a`, i))
  await Promise.all(folders.map((folder) => send(folder)))
  for (const folder of folders) end(folder, 20, 'failed')
  await Promise.all(folders.map((folder) => send(folder)))
  const { parent, children } = tree()
  expect(children).toHaveLength(6)
  expect([parent.status, parent.end]).toEqual(['FAILED', 1e12 + 20_000])
})

test('the sweep runs while a trial runs, and again when one goes on; a lost attempt does not hold it up', async () => {
  const [lost, again, last] = [trialFolder('0000-a', 0), trialFolder('0000-a', 5), trialFolder('0001-b', 6)]
  for (const folder of [lost, again, last]) await send(folder)
  end(again, 8)
  await send(again)
  expect(tree().parent.status).toBe('RUNNING')
  end(last, 9, 'stopped')
  await send(last)
  expect([tree().parent.status, tree().parent.end]).toEqual(['FINISHED', 1e12 + 9000])
  const resumed = [
    { type: 'start', time: time(6), recipe: {} },
    { type: 'resume', time: time(30), recipe: {}, step: 0 },
  ]
  writeFileSync(join(last, 'events.jsonl'), resumed.map(line).join(''))
  await send(last)
  expect([tree().parent.status, tree().parent.end]).toEqual(['RUNNING', undefined])
})

test('a run that died is given its end once it is told, on top of what it had sent itself', async () => {
  const [lost, done] = [trialFolder('0000-a', 0), trialFolder('0001-b', 1)]
  end(done, 3)
  for (const folder of [lost, done]) await send(folder)
  expect(tree().parent.status).toBe('RUNNING')
  const died = { type: 'end', status: 'failed', reason: 'gone', time: time(9) } as const
  await send(lost, died)
  const child = tree().children.find(({ name }) => name === basename(lost))!
  expect([child.status, child.end, child.tags.get('medtune.reason')]).toEqual(['FAILED', 1e12 + 9000, 'gone'])
  expect([tree().parent.status, tree().parent.end]).toEqual(['FINISHED', 1e12 + 9000])
  // One that has written its end knows better.
  await send(done, died)
  expect(
    tree()
      .children.map(({ status }) => status)
      .sort(),
  ).toEqual(['FAILED', 'FINISHED'])
})

test('a worker elsewhere makes the run; a trial that sees the folder says what the sweep is', async () => {
  await send(trialFolder('0000-a', 3))
  expect([tree().parent.name, tree().parent.params.size]).toEqual(['sweep-ab12', 0])
  const folder = join(tempFolder(), '2026-01-01T00-00-00Z-try-ab12')
  mkdirSync(folder)
  const metric = { name: 'qa.acc', goal: 'maximize' }
  const header = { type: 'sweep', id: 'ab12', name: 'try', time: time(0), metric, spec: { metric } }
  writeFileSync(join(folder, 'sweep.jsonl'), line(header))
  await send(trialFolder('0001-b', 4, folder))
  expect([tree().parent.name, tree().parent.params.get('metric.goal')]).toEqual([
    '2026-01-01T00-00-00Z-try-ab12',
    'maximize',
  ])
})

test('a parent that the environment names is taken, and stays', async () => {
  vi.stubEnv('MLFLOW_PARENT_RUN_ID', 'chosen')
  const folder = trialFolder('0000-a', 0)
  await send(folder)
  vi.unstubAllEnvs()
  end(folder, 1)
  await send(folder)
  const [run, ...others] = [...server.runs.values()]
  expect(others).toEqual([])
  expect([run!.status, run!.tags.get('mlflow.parentRunId')]).toEqual(['FINISHED', 'chosen'])
})

test('trials that were sent before they had a sweep get one', async () => {
  const folder = trialFolder('0000-a', 0)
  end(folder, 1)
  server.settings.unknown = ['runs/search']
  warnings.length = 0
  await send(folder)
  expect(warnings).toEqual([expect.stringMatching(/no runs\/search.*side by side/)])
  expect([...server.runs.values()].map(({ status }) => status)).toEqual(['FINISHED'])
  server.settings.unknown = []
  await send(folder)
  expect(tree().children).toHaveLength(1)
  expect(tree().parent.status).toBe('FINISHED')
})
