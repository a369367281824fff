import { expect, test } from 'vitest'
import { compareItems, mcnemar, permutation } from '../../src/util/paired.ts'
import {
  estimate,
  meanEstimate,
  ratioEstimate,
  shareEstimate,
  sum,
  wilson,
} from '../../src/util/statistics.ts'
import { gaussian } from '../helpers/make-model.ts'

const items = (scores: readonly number[], weights: readonly number[] = scores.map(() => 1)) =>
  scores.map((score, i) => ({ id: String(i), score, weight: weights[i]! }))

test('mean and its standard error', () => {
  // 1, 2, 3, 4: variance of the mean (2.25 + .25 + .25 + 2.25) / (4 * 3).
  const { value, n, stderr, ci95 } = meanEstimate([1, 2, 3, 4])
  expect([value, n]).toEqual([2.5, 4])
  expect(stderr).toBeCloseTo(Math.sqrt(5 / 12), 12)
  expect(ci95[1] - ci95[0]).toBeCloseTo(2 * 1.959963984540054 * stderr, 12)
  expect(meanEstimate([3]).stderr).toBeNaN()
})

test('Wilson intervals as in the literature', () => {
  // Newcombe 1998, method 3: 81/263 and 0/20.
  const [low, high] = wilson(81 / 263, 263)
  expect(low).toBeCloseTo(0.2553, 4)
  expect(high).toBeCloseTo(0.3662, 4)
  expect(wilson(0, 20)[0]).toBe(0)
  expect(wilson(0, 20)[1]).toBeCloseTo(0.1611, 4)
  expect(wilson(1, 20)[1]).toBe(1)
})

test('a ratio over clusters of tokens', () => {
  // R = 8/6; residuals 2 - 4/3, 6 - 20/3, ... ; SE = sqrt(n/(n-1) * sum r^2) / 6.
  const { value, stderr } = ratioEstimate([2, 6], [1, 5])
  expect(value).toBeCloseTo(8 / 6, 12)
  expect(stderr).toBeCloseTo(Math.sqrt(2 * ((2 / 3) ** 2 + (2 / 3) ** 2)) / 6, 12)
  // Equal weights: the ordinary mean.
  expect(ratioEstimate([1, 2, 3, 4], [1, 1, 1, 1]).stderr).toBeCloseTo(meanEstimate([1, 2, 3, 4]).stderr, 12)
})

test('the estimate fits the kind of score', () => {
  expect(estimate(items([1, 0, 1, 1])).ci95).toEqual(shareEstimate([1, 0, 1, 1]).ci95)
  expect(estimate(items([0.5, 0, 1])).ci95).toEqual(meanEstimate([0.5, 0, 1]).ci95)
  expect(estimate(items([4, 6], [2, 3])).value).toBe(2)
})

test('sums keep small terms', () => {
  expect(sum([1e16, 1, 1, -1e16])).toBe(2)
})

test('exact McNemar', () => {
  // 8 gains, 0 losses: 2 / 2^8. 9 to 2: 2 * (1 + 11 + 55) / 2^11.
  expect(mcnemar([1, 1, 1, 1, 1, 1, 1, 1, 0, 0])).toBeCloseTo(2 / 256, 12)
  expect(mcnemar([...Array(9).fill(1), -1, -1])).toBeCloseTo((2 * 67) / 2048, 12)
  expect(mcnemar([1, -1])).toBe(1)
  expect(mcnemar([0, 0])).toBe(1)
  expect(mcnemar([...Array(600).fill(1), ...Array(500).fill(-1)])).toBeCloseTo(0.00284, 4)
})

test('sign flips: all 2^n outcomes are equally likely, and the seed decides them', () => {
  // Of 32 flips of five equal differences only two are as far out.
  expect(permutation([1, 1, 1, 1, 1], 1, 40_000)).toBeCloseTo(2 / 32, 2)
  expect(permutation([1, 2, -1, 3], 7)).toBe(permutation([1, 2, -1, 3], 7))
  expect(permutation([1, -1], 1)).toBe(1)
  expect(permutation([1, Number.NaN, 2], 1)).toBeNaN()
})

test('items are paired by id', () => {
  const base = items([0, 1, 0, 0])
  const tuned = [...items([1, 1, 1, 0])].reverse()
  const { value, n, p, test: name, stderr, mde } = compareItems(base, tuned, 1)
  expect([value, n, name]).toEqual([0.5, 4, 'mcnemar-exact'])
  expect(p).toBe(0.5)
  expect(stderr).toBeCloseTo(Math.sqrt(1 / 12), 12)
  expect(mde).toBeCloseTo(2.8016 * stderr, 3)
})

test('a difference of losses is weighted by tokens', () => {
  const result = compareItems(items([4, 9], [2, 3]), items([2, 6], [2, 3]), 1)
  expect(result.value).toBeCloseTo(-1, 12)
  expect(result.stderr).toBeCloseTo(0, 12)
  expect(result.test).toBe('paired-permutation')
})

test('95 % intervals cover the truth about 95 times in 100', () => {
  const normal = gaussian(5)
  let mean = 0
  let share = 0
  for (let round = 0; round < 1000; round++) {
    const scores = Array.from({ length: 60 }, () => 2 + normal())
    const { ci95 } = meanEstimate(scores)
    if (ci95[0] <= 2 && 2 <= ci95[1]) mean++
    const hits = scores.map((s) => (s > 1 ? 1 : 0))
    const interval = shareEstimate(hits).ci95
    // P(2 + z > 1) = 0.841345
    if (interval[0] <= 0.841345 && 0.841345 <= interval[1]) share++
  }
  for (const covered of [mean, share]) {
    expect(covered).toBeGreaterThan(925)
    expect(covered).toBeLessThan(975)
  }
})
