/** @file Two thousand steps take no more memory at their end than early on, and leave nothing open. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { run } from '../../src/run.ts'
import { openThings } from '../helpers/open-things.ts'
import { smallProject } from '../run/project.ts'

const STEPS = Number(process.env.STEPS ?? 2000)
const TINY = new URL('../../models/tiny-gemma3', import.meta.url).pathname

/** The middle of many values, which a passing collection does not move. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

test(`${STEPS} steps`, async () => {
  const folder = await smallProject()
  const recipe = (steps: number) =>
    loadRecipe(join(folder, 'recipe.yaml'), [
      `model.path=${TINY}`,
      `train.steps=${steps}`,
      'train.batch_size=2',
      'train.accumulate=1',
      'train.pack=false',
      'checkpoint.every=100',
      'checkpoint.keep=2',
      'train.eval_every=200',
    ])
  const runsDir = join(folder, 'runs')
  // Libraries open what they keep for good when they are first used.
  await run(await recipe(2), { runsDir })
  const warnings: string[] = []
  const hear = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`)
  const before = await openThings()
  process.on('warning', hear)
  const resident: number[] = []
  const report = await run(await recipe(STEPS), {
    runsDir,
    onEvent: ({ type }) => type === 'step' && resident.push(process.memoryUsage.rss()),
  })
  process.off('warning', hear)
  expect(report.train.steps).toBe(STEPS)
  expect(resident).toHaveLength(STEPS)

  const quarter = (n: number) => resident.slice((n * STEPS) / 4, ((n + 1) * STEPS) / 4)
  const [second, last] = [quarter(1), quarter(3)]
  const most = [Math.max(...second), Math.max(...last)]
  console.log(JSON.stringify({ median: [median(second), median(last)], most }))
  expect(median(last)).toBeLessThan(1.03 * median(second))
  expect(most[1]).toBeLessThan(1.03 * most[0]!)
  expect(await openThings()).toEqual(before)
  expect(warnings).toEqual([])
})
