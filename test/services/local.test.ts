/** @file The crash suite on processes of this machine. */
import { expect, it } from 'vitest'
import { makeSweepProject } from '../helpers/sweep-project.ts'
import { tempFolder } from '../helpers/temp.ts'
import { crashAndResume, crashSeed, expectExactly, SWEEP, stepsFor, TRIALS, tell } from './crash.ts'

/** `npm run torture` kills more often. */
const KILLS = Number(process.env.MEDTUNE_KILLS ?? 10)

it('24 trials finish exactly once through kills of coordinator and workers', async () => {
  const project = tempFolder()
  await makeSweepProject(project, { sweep: SWEEP, steps: stepsFor(KILLS) })
  const report = await crashAndResume({
    ...{ project, overrides: [], trials: TRIALS, kills: KILLS, within: 2500, seed: crashSeed() },
  })
  tell('local', report)
  expectExactly(report.folder, TRIALS)
  expect(report.killed.coordinator + report.killed.worker).toBeGreaterThanOrEqual(0.8 * KILLS)
})
