/** @file The crash suite on processes of this machine. */
import { expect, it } from 'vitest'
import { makeSweepProject } from '../helpers/sweep-project.ts'
import { tempFolder } from '../helpers/temp.ts'
import { crashAndResume, crashSeed, expectExactly, SWEEP, TRIALS, tell } from './crash.ts'

it('24 trials finish exactly once through ten kills of coordinator and workers', async () => {
  const project = tempFolder()
  await makeSweepProject(project, { sweep: SWEEP, steps: 40 })
  const report = await crashAndResume({
    ...{ project, overrides: [], trials: TRIALS, kills: 10, within: 2500, seed: crashSeed() },
  })
  tell('local', report)
  expectExactly(report.folder, TRIALS)
  expect(report.killed.coordinator + report.killed.worker).toBeGreaterThanOrEqual(8)
})
