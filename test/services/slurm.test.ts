/** @file The crash suite on a real Slurm: one task a trial, and long-lived tasks for a sampler that learns. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readBeat } from '../../src/sweep/board.ts'
import { readSweep } from '../../src/track/sweep-journal.ts'
import { makeSweepProject } from '../helpers/sweep-project.ts'
import { tempFolder } from '../helpers/temp.ts'
import {
  busy,
  crashAndResume,
  crashSeed,
  expectExactly,
  processesOf,
  SWEEP,
  stepsFor,
  TRIALS,
  tell,
  until,
} from './crash.ts'
import { medtune, sweepFolder } from './medtune.ts'
import { type Cluster, slurmMissing, startSlurm } from './slurm-daemons.ts'

const KILLS = Number(process.env.MEDTUNE_KILLS ?? 3)

const missing = slurmMissing()
if (missing) console.log(`Slurm is not tested: ${missing}`)

describe.skipIf(missing)('slurm', () => {
  let cluster: Cluster
  const folder = tempFolder()

  beforeAll(async () => {
    mkdirSync(path.join(folder, 'slurm'))
    cluster = await startSlurm(path.join(folder, 'slurm'), 2)
    Object.assign(process.env, cluster.env)
  })
  afterAll(() => cluster?.stop())

  it.each(['random', 'tpe'])('24 trials finish exactly once through kills, by %s', async (method) => {
    const project = path.join(folder, method)
    await makeSweepProject(project, {
      sweep: SWEEP.replace('method: random', `method: ${method}`),
      steps: stepsFor(KILLS),
    })
    const report = await crashAndResume({
      project,
      trials: TRIALS,
      kills: KILLS,
      span: 9000,
      seed: crashSeed(),
      // Whoever takes trials may die as well as the trial itself.
      workers: (sweep) => [...busy(sweep), ...processesOf('agent', sweep)],
      overrides: ['executor.use=slurm', 'executor.interval=1', 'executor.idle=20'],
    })
    tell(`slurm, ${method}`, report)
    expectExactly(report.folder, TRIALS)
    expect(report.killed.coordinator + report.killed.worker).toBeGreaterThanOrEqual(0.8 * KILLS)
  })

  it('a warning before the time limit, and a requeue, cost a trial no step beyond its last checkpoint', async () => {
    const project = path.join(folder, 'warned')
    const sweep = `method: grid\nworkers: 1\nlease: 8\n`
    const file = await makeSweepProject(project, { sweep, steps: 400 })
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(
        /parameters:[\s\S]*?(?=method)/,
        'parameters: { checkpoint.every: 40 }\n',
      ),
    )
    const options = ['executor.use=slurm', 'executor.interval=1']
    const running = medtune(project, ['sweep', 'sweep.yaml', ...options])
    for (const [count, args] of [
      [1, ['scancel', '--batch', '--signal=USR1']],
      [2, ['scontrol', 'requeue']],
    ] as const) {
      await until(() => stepsOf(project) > 120 * count, running)
      const [command, ...rest] = args
      execFileSync(command, [...rest, ...jobsOf()])
    }
    expect(await running.ended).toBe(0)
    const folderOfSweep = sweepFolder(path.join(project, 'runs'))!
    const [trial] = readSweep(folderOfSweep).trials
    expect(trial).toMatchObject({ status: 'done', attempt: 3, failures: 0 })
    const record = JSON.parse(readFileSync(path.join(folderOfSweep, trial!.run!, 'run.json'), 'utf8'))
    expect(record.resumed.map(({ step }: { step: number }) => step >= 100)).toEqual([true, true])
  })
})

/** Tasks that run. */
function jobsOf(): readonly string[] {
  const text = execFileSync('squeue', ['-h', '-r', '-t', 'RUNNING', '-o', '%i'], { encoding: 'utf8' })
  return text.split('\n').filter((line) => line !== '')
}

/** How far the only trial is. */
function stepsOf(project: string): number {
  const folder = sweepFolder(path.join(project, 'runs'))
  const [trial] = folder === undefined ? [] : readSweep(folder).trials
  if (!folder || !trial) return 0
  const run = readBeat(path.join(folder, 'trials', trial.id, `${trial.attempt}.json`))?.run
  if (run === undefined) return 0
  const events = path.join(folder, run, 'events.jsonl')
  const lines = existsSync(events) ? readFileSync(events, 'utf8').split('\n') : []
  const last = lines.findLast((line) => line.includes('"type":"step"'))
  return last === undefined ? 0 : Number(JSON.parse(last).step)
}
