/** @file The crash suite on a real Slurm: one task a trial, and long-lived tasks for a sampler that learns. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeSweepProject } from '../helpers/sweep-project.ts'
import { tempFolder } from '../helpers/temp.ts'
import { busy, crashAndResume, crashSeed, expectExactly, processesOf, SWEEP, TRIALS, tell } from './crash.ts'
import { type Cluster, slurmMissing, startSlurm } from './slurm-daemons.ts'

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

  it.each(['random', 'tpe'])('24 trials finish exactly once through three kills, by %s', async (method) => {
    const project = path.join(folder, method)
    await makeSweepProject(project, {
      sweep: SWEEP.replace('method: random', `method: ${method}`),
      steps: 20,
    })
    const report = await crashAndResume({
      ...{ project, trials: TRIALS, kills: 3, within: 6000, seed: crashSeed() },
      // Whoever takes trials may die as well as the trial itself.
      workers: (sweep) => [...busy(sweep), ...processesOf('agent', sweep)],
      overrides: ['executor.use=slurm', 'executor.interval=1', 'executor.idle=20'],
    })
    tell(`slurm, ${method}`, report)
    expectExactly(report.folder, TRIALS)
    expect(report.killed).toEqual({ coordinator: 2, worker: 2 })
  })
})
