import { expect, test } from 'vitest'
import constant from '../../../plugins/schedule/constant.ts'
import cosine from '../../../plugins/schedule/cosine.ts'
import linear from '../../../plugins/schedule/linear.ts'
import { stepCount } from '../../../plugins/schedule/warmup.ts'
import type { Schedule } from '../../../src/plugin/contract.ts'

const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }
const rates = (
  plugin: typeof cosine | typeof linear | typeof constant,
  warmup: number,
  total: number,
): number[] => {
  const schedule = plugin.create({ warmup, num_cycles: 0.5 }, context) as Schedule
  return Array.from({ length: total }, (_, step) => 0.01 * schedule.at(step, total, 0.01))
}
const close = (got: readonly number[], want: readonly number[]): void => {
  expect(got).toHaveLength(want.length)
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(want[i]!, 7)
  })
}

test('cosine with a third of warm-up gives the rates that transformers logs', () => {
  close(rates(cosine, 0.3, 6), [0, 0.005, 0.01, 0.0085355339, 0.005, 0.0014644661])
})

test('linear rises for the warm-up and falls to zero after the last step', () => {
  close(rates(linear, 2, 6), [0, 0.005, 0.01, 0.0075, 0.005, 0.0025])
  close(rates(linear, 0, 4), [0.01, 0.0075, 0.005, 0.0025])
})

test('constant stays', () => {
  close(rates(constant, 2, 5), [0, 0.005, 0.01, 0.01, 0.01])
})

test('a fraction of warm-up is rounded up, a count is cut to whole steps', () => {
  expect(stepCount(0.3, 6)).toBe(2)
  expect(stepCount(0.03, 100)).toBe(3)
  expect(stepCount(0.001, 100)).toBe(1)
  expect(stepCount(0, 100)).toBe(0)
  expect(stepCount(2.9, 100)).toBe(2)
})

test('beyond the total the rate stays at the end of the curve', () => {
  const schedule = cosine.create({ warmup: 0, num_cycles: 0.5 }, context) as Schedule
  expect(schedule.at(12, 10, 0.01)).toBeCloseTo(0, 12)
})
