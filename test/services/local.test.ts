/** @file The crash suite on processes of this machine. */
import path from 'node:path'
import { expect, it } from 'vitest'
import { Library } from '../../src/dashboard/server/library.ts'
import { makeSweepProject } from '../helpers/sweep-project.ts'
import { tempFolder } from '../helpers/temp.ts'
import { crashAndResume, crashSeed, expectExactly, SWEEP, stepsFor, TRIALS, tell } from './crash.ts'

/** `npm run torture` kills more often. */
const KILLS = Number(process.env.MEDTUNE_KILLS ?? 10)

it('24 trials finish exactly once through kills of coordinator and workers', async () => {
  const project = tempFolder()
  await makeSweepProject(project, { sweep: SWEEP, steps: stepsFor(KILLS) })
  const report = await crashAndResume({
    project,
    overrides: [],
    trials: TRIALS,
    kills: KILLS,
    span: 12_500,
    seed: crashSeed(),
  })
  tell('local', report)
  expectExactly(report.folder, TRIALS)
  await expectShown(report.folder)
  expect(report.killed.coordinator + report.killed.worker).toBeGreaterThanOrEqual(0.8 * KILLS)
})

/** As the dashboard reads it: all trials done, each with one finished run; attempts that were killed are none of them. */
async function expectShown(folder: string): Promise<void> {
  const library = new Library(path.dirname(folder))
  try {
    const rows = (await library.rows()).filter(({ status }) => status === 'done')
    expect(new Set(rows.map(({ trial }) => trial)).size).toBe(TRIALS)
    expect(rows).toHaveLength(TRIALS)
    expect(library.sweeps.rows()).toMatchObject([{ status: 'done', of: TRIALS, counts: { done: TRIALS } }])
  } finally {
    library.close()
  }
}
