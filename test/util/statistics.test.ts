import { expect, test } from 'vitest'
import { bootstrapT } from '../../src/util/bootstrap.ts'
import { compareItems, holm, mcnemar, verdict } from '../../src/util/paired.ts'
import {
  clusteredEstimate,
  estimate,
  meanEstimate,
  ratioEstimate,
  shareEstimate,
  studentT975,
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

test('items are paired by id', () => {
  const base = items([0, 1, 0, 0])
  const tuned = [...items([1, 1, 1, 0])].reverse()
  const { value, n, p, test: name, stderr, mde } = compareItems(base, tuned, 1)
  expect([value, n, name]).toEqual([0.5, 4, 'mcnemar-exact'])
  expect(p).toBe(0.5)
  expect(stderr).toBeCloseTo(Math.sqrt(1 / 12), 12)
  // Bonett and Price: two gains and no loss among four, one of each added.
  const [low, high] = compareItems(base, tuned, 1).ci95
  const adjusted = Math.sqrt((4 / 6 - (2 / 6) ** 2) / 6)
  expect([low, high].map((end) => (end - 2 / 6) / adjusted)).toEqual([
    expect.closeTo(-1.959964, 6),
    expect.closeTo(1.959964, 6),
  ])
  expect(mde).toBeCloseTo(2.8016 * adjusted, 3)
})

test('where nothing changed there is still an interval, and a difference too small to be seen', () => {
  const same = items(Array.from({ length: 100 }, (_, i) => i % 2))
  const { value, p, ci95, mde } = compareItems(same, same, 1)
  expect([value, p]).toEqual([0, 1])
  expect(ci95[1]).toBeCloseTo(1.96 * Math.sqrt(2 / 102 / 102), 3)
  expect(mde).toBeGreaterThan(0.03)
  // A single item would not even show the largest difference there is.
  expect(compareItems(same.slice(0, 1), same.slice(0, 1), 1).mde).toBeNaN()
})

test('a difference of losses is weighted by tokens', () => {
  const result = compareItems(items([4, 9], [2, 3]), items([2, 6], [2, 3]), 1)
  expect(result.value).toBeCloseTo(-1, 12)
  expect(result.stderr).toBeCloseTo(0, 12)
  expect(result.test).toBe('paired-bootstrap')
})

test('the bootstrap: seeded, exact where every unit changed alike, never sure of a few', () => {
  const units = (scores: readonly number[]) => scores.map((score) => ({ score, weight: 1 }))
  expect(bootstrapT(units([1, 2, -1, 3]), 7)).toEqual(bootstrapT(units([1, 2, -1, 3]), 7))
  expect(bootstrapT(units([1, 2, -1, 3]), 7)).not.toEqual(bootstrapT(units([1, 2, -1, 3]), 8))
  const first = bootstrapT(units([1, 2, -1, 3]), 7)
  bootstrapT(units([1, 2, -1, 3, 5]), 7)
  bootstrapT(units([1, 2, -1, 3]), 7, 2000)
  expect(bootstrapT(units([1, 2, -1, 3]), 7)).toEqual(first)
  expect(bootstrapT(units([1, 1, 1, 1, 1, 1]), 1)).toMatchObject({ value: 1, stderr: 0, p: 2 / 64 })
  expect(bootstrapT(units([0, 0, 0]), 1)).toMatchObject({ value: 0, p: 1 })
  expect(bootstrapT(units([1, 1.01, 0.99, 1.02]), 1).p).toBe(1 / 8)
  expect(bootstrapT(units([1, Number.NaN]), 1).p).toBeNaN()
  const sparse = bootstrapT(units([...Array(60).fill(0), 0.5]), 1)
  expect(sparse.p).toBe(1)
  expect(sparse.ci95.every(Number.isFinite)).toBe(true)
})

test('p-value and interval of the bootstrap agree on where zero lies', () => {
  const normal = gaussian(9)
  let shown = 0
  for (let round = 0; round < 60; round++) {
    const units = Array.from({ length: 25 }, () => ({
      score: 0.4 + normal(),
      weight: 1 + Math.abs(normal()),
    }))
    const { p, ci95 } = bootstrapT(units, round, 1000)
    expect(p < 0.05).toBe(ci95[0] > 0 || ci95[1] < 0)
    if (p < 0.05) shown++
  }
  // 0.4 is two standard errors of 25 normal draws: shown about every second time.
  expect(shown).toBeGreaterThan(18)
  expect(shown).toBeLessThan(42)
})

test("Student's t", () => {
  const table = { 1: 12.706, 2: 4.303, 4: 2.776, 5: 2.571, 10: 2.228, 29: 2.045, 1000: 1.962 }
  for (const [degrees, t] of Object.entries(table)) expect(studentT975(Number(degrees))).toBeCloseTo(t, 2)
})

test('clusters are the draws', () => {
  // Two clusters of two: residual sums 2 - 2 * 2.5 = -3 and +3; SE = sqrt(2 * 18) / 4.
  const four = items([1, 1, 4, 4]).map((item, i) => ({ ...item, cluster: String(i >> 1) }))
  const { value, stderr, clusters } = clusteredEstimate(four)
  expect([value, clusters]).toEqual([2.5, 2])
  expect(stderr).toBeCloseTo(1.5, 12)
  expect(estimate(four).stderr).toBe(stderr)
  // A cluster an item: the ordinary figures.
  const alone = items([1, 2, 3, 4]).map((item) => ({ ...item, cluster: item.id }))
  expect(clusteredEstimate(alone).stderr).toBeCloseTo(meanEstimate([1, 2, 3, 4]).stderr, 12)
  expect(estimate(alone).clusters).toBeUndefined()
  // Ten questions on two passages, all right: the interval of two draws, not of ten.
  const right = items(Array(10).fill(1)).map((item, i) => ({ ...item, cluster: String(i % 2) }))
  expect(estimate(right).ci95[0]).toBeLessThan(wilson(1, 2)[0])
})

test('clustered questions are compared by clusters', () => {
  const clustered = (scores: readonly number[]) =>
    items(scores).map((item, i) => ({ ...item, cluster: String(i % 8) }))
  const base = clustered(Array(80).fill(0))
  // One passage of eight got all its ten questions right: ten gains and no loss, yet a single draw.
  const tuned = clustered(Array.from({ length: 80 }, (_, i) => (i % 8 === 0 ? 1 : 0)))
  const { test: name, p, clusters } = compareItems(base, tuned, 1)
  expect([name, clusters]).toEqual(['paired-bootstrap', 8])
  expect(p).toBe(1)
  expect(mcnemar(Array(10).fill(1))).toBeLessThan(0.01)
})

test('clustered intervals cover the truth 95 times in 100 where naive ones cover 75', () => {
  // 30 passages of 10 questions. Where a share r of the variance is the passage's, the true error is sqrt(1 + 9 r)
  // naive ones: 1.96 of these are 1.138 true ones for r = 0.218, and 74.5 % of draws lie within.
  const shared = 0.218
  const normal = gaussian(11)
  const rounds = 1500
  let [naive, clustered] = [0, 0]
  const covers = ([low, high]: readonly [number, number]) => (low <= 0 && 0 <= high ? 1 : 0)
  for (let round = 0; round < rounds; round++) {
    const drawn = Array.from({ length: 30 }, (_, passage) => {
      const own = Math.sqrt(shared) * normal()
      return Array.from({ length: 10 }, (_, question) => ({
        id: `${passage}.${question}`,
        score: own + Math.sqrt(1 - shared) * normal(),
        weight: 1,
        cluster: String(passage),
      }))
    }).flat()
    naive += covers(meanEstimate(drawn.map(({ score }) => score)).ci95)
    clustered += covers(estimate(drawn).ci95)
  }
  // Within three standard errors of 0.745 and 0.95.
  expect(naive / rounds).toBeGreaterThan(0.71)
  expect(naive / rounds).toBeLessThan(0.78)
  expect(clustered / rounds).toBeGreaterThan(0.933)
  expect(clustered / rounds).toBeLessThan(0.967)
})

test("Holm's correction", () => {
  // Holm 1979: 0.01 * 4, 0.03 * 2 lifted to 0.06 ...
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02])
  expect(holm([0.5, 0.9])).toEqual([1, 1])
  expect(holm([Number.NaN, 0.01])).toEqual([Number.NaN, 0.02])
  expect(holm([])).toEqual([])
})

test('better is said only where the interval and the corrected p-value both say so', () => {
  const found = { value: 0.1, ci95: [0.01, 0.19] as const }
  expect(verdict(found, 0.04, 'higher')).toBe('better')
  expect(verdict(found, 0.04, 'lower')).toBe('worse')
  expect(verdict(found, 0.06, 'higher')).toBe('no difference shown')
  expect(verdict({ value: 0.1, ci95: [-0.01, 0.21] }, 0.04, 'higher')).toBe('no difference shown')
  expect(verdict({ value: Number.NaN, ci95: [Number.NaN, Number.NaN] }, Number.NaN, 'higher')).toBe(
    'no difference shown',
  )
})

test('a model equal to its base: never better, and two equally good ones seldom', () => {
  const normal = gaussian(21)
  const yesOrNo = (scores: readonly number[]) => items(scores.map((s) => (s > 0.4 ? 1 : 0)))
  const verdicts = { same: new Map<string, number>(), binary: new Map(), scores: new Map() }
  const note = (seen: Map<string, number>, said: string) => seen.set(said, (seen.get(said) ?? 0) + 1)
  for (let round = 0; round < 200; round++) {
    // As hard for both, and each with luck of its own: correlated 0.5, as two models of one family are.
    const hard = Array.from({ length: 100 }, normal)
    const one = hard.map((h) => h + normal())
    const other = hard.map((h) => h + normal())
    const say = (base: ReturnType<typeof items>, tuned: ReturnType<typeof items>) => {
      const compared = compareItems(base, tuned, round)
      return verdict(compared, compared.p, 'higher')
    }
    note(verdicts.same, say(items(one), items(one)))
    note(verdicts.binary, say(yesOrNo(one), yesOrNo(other)))
    note(verdicts.scores, say(items(one.slice(0, 30)), items(other.slice(0, 30))))
  }
  expect(verdicts.same.get('better')).toBeUndefined()
  for (const seen of [verdicts.binary, verdicts.scores]) {
    // 2.5 % of 200 is 5; more than 12 come by chance once in 300 times.
    expect(seen.get('better') ?? 0).toBeLessThanOrEqual(12)
    expect((seen.get('better') ?? 0) + (seen.get('worse') ?? 0)).toBeLessThanOrEqual(20)
  }
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
