/** @file The crash suite on a real Redis: workers that share the sweep's disk, and workers with a disk of their own. */
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readResult, writeSheet } from '../../src/sweep/board.ts'
import { BullmqExecutor } from '../../src/sweep/executors/bullmq.ts'
import { startFakeMlflow } from '../helpers/fake-mlflow.ts'
import { makeSweepProject } from '../helpers/sweep-project.ts'
import { tempFolder } from '../helpers/temp.ts'
import { folderOf, GOOD } from '../recipe/folder.ts'
import { crashAndResume, crashSeed, expectExactly, SWEEP, stepsFor, TRIALS, tell } from './crash.ts'
import { medtune, type Started } from './medtune.ts'
import { type RedisDaemon, redisMissing, startRedis } from './redis-daemon.ts'

const KILLS = Number(process.env.MEDTUNE_KILLS ?? 3)

const missing = redisMissing()
if (missing) console.log(`BullMQ is not tested: ${missing}`)

describe.skipIf(missing)('bullmq', () => {
  let redis: RedisDaemon
  const folder = tempFolder()
  const workers = new Set<Started>()

  beforeAll(async () => {
    mkdirSync(path.join(folder, 'redis'))
    redis = await startRedis(path.join(folder, 'redis'))
  })
  afterEach(async () => {
    const ending = [...workers]
    workers.clear()
    for (const { child } of ending) child.kill('SIGTERM')
    const late = setTimeout(() => ending.map(({ child }) => child.kill('SIGKILL')), 20_000)
    await Promise.all(ending.map(({ ended }) => ended))
    clearTimeout(late)
  })
  afterAll(() => redis?.stop())

  /** A worker that another one replaces when it dies, as a service manager would. */
  function keepWorker(project: string, name: string, args: readonly string[]): void {
    const options = ['--queue', redis.url, '--name', name, '--lease', '3', ...args]
    const worker = medtune(project, ['worker', ...options])
    workers.add(worker)
    worker.child.once('exit', (_, signal) => {
      if (!workers.delete(worker) || signal !== 'SIGKILL') return
      keepWorker(project, name, args)
    })
  }

  it.each([
    ['on the same disk', []],
    ['with a disk of its own', ['--own-disk']],
  ])('24 trials finish exactly once through kills, each worker %s', async (where, args) => {
    const name = `q${workers.size}${args.length}`
    const project = path.join(folder, name)
    await makeSweepProject(project, { sweep: SWEEP.replace('lease: 8', 'lease: 6'), steps: stepsFor(KILLS) })
    for (let i = 0; i < 2; i++) keepWorker(project, name, args)
    const report = await crashAndResume({
      project,
      trials: TRIALS,
      kills: KILLS,
      span: 9000,
      seed: crashSeed(),
      workers: () => [...workers].flatMap(({ child }) => child.pid ?? []),
      overrides: ['executor.use=bullmq', `executor.url=${redis.url}`, `executor.name=${name}`],
    })
    tell(`bullmq, workers ${where}`, report)
    expectExactly(report.folder, TRIALS)
    expect(report.killed.coordinator + report.killed.worker).toBeGreaterThanOrEqual(0.8 * KILLS)
  })

  it('a trial that must not be chosen by its metric fails by itself; the others are queued', async () => {
    const recipeOf = (file: string) =>
      GOOD.replace('[loss]', `[{ use: multiple-choice, name: qa, path: ${file} }]`)
    const home = folderOf({ 'test.yaml': recipeOf('test.jsonl'), 'val.yaml': recipeOf('val.jsonl') })
    const site = { sweep: 's', folder: home, workers: 1, lease: 60, adaptive: false, medtune: [] }
    const executor = await BullmqExecutor.open({ url: redis.url, name: 'refused' }, site)
    const jobs = ['test', 'val'].map((name) => {
      const file = path.join(home, `trials/${name}/1.json`)
      writeSheet(file, {
        version: 1,
        sweep: 's',
        trial: name,
        attempt: 1,
        recipe: path.join(home, `${name}.yaml`),
        overrides: [],
        cwd: home,
        runsDir: path.join(home, 'runs'),
        watch: 'qa',
        beat: 10,
        metric: { name: 'qa', goal: 'maximize', take: 'last' },
      })
      return { id: `s-${name}`, file, command: [], log: path.join(home, `${name}.log`) }
    })
    await executor.submit(jobs)
    expect(readResult(jobs[0]!.file)).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/"qa" scores path "test\.jsonl", a test by its name/),
    })
    expect([...(await executor.poll(jobs)).values()]).toEqual(['running', 'queued'])
    await executor.close()
  })

  it('trials of workers with a disk of their own are one tree in MLflow; a later sync doubles nothing', async () => {
    const mlflow = await startFakeMlflow()
    const project = path.join(folder, 'tracked')
    await makeSweepProject(project, { sweep: 'method: random\nrun_cap: 2\n', steps: 2 })
    appendFileSync(path.join(project, 'recipe.yaml'), `trackers: [{ use: mlflow, uri: "${mlflow.url}" }]\n`)
    keepWorker(project, 'tracked', ['--own-disk'])
    const overrides = ['executor.use=bullmq', `executor.url=${redis.url}`, 'executor.name=tracked']
    const swept = medtune(project, ['sweep', 'sweep.yaml', ...overrides])
    expect(await swept.ended, swept.text()).toBe(0)
    const runs = path.join(project, 'runs')
    const home = path.join(runs, readdirSync(runs)[0]!)
    const trials = readdirSync(path.join(home, 'runs')).map((name) => path.join(home, 'runs', name))
    const steps = (): number[] =>
      [...mlflow.runs.values()].map(({ metrics }) => metrics.filter(({ key }) => key === 'train/loss').length)
    expect(steps().sort()).toEqual([0, 2, 2])
    const parent = [...mlflow.runs.values()].find(({ tags }) => tags.has('medtune.role'))!
    expect([parent.status, parent.name]).toEqual(['FINISHED', expect.stringMatching(/^sweep-\w{8}$/)])
    const sent = medtune(project, ['sync', 'mlflow', ...trials])
    expect(await sent.ended, sent.text()).toBe(0)
    expect(steps().sort()).toEqual([0, 2, 2])
    expect([parent.status, parent.name]).toEqual(['FINISHED', path.basename(home)])
    expect(parent.params.get('method.use')).toBe('random')
    await mlflow.close()
  })
})
