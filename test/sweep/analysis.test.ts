/** @file What ends trials early, what made them good, and which are best in two things at once. */
import { describe, expect, it } from 'vitest'
import type { Reports, Space } from '../../src/plugin/contract.ts'
import { atEdge } from '../../src/sweep/edge.ts'
import { importances } from '../../src/sweep/importance.ts'
import { Measures } from '../../src/sweep/measures.ts'
import { paretoFront } from '../../src/sweep/pareto.ts'
import { asha } from '../../src/sweep/pruners/asha.ts'
import { median } from '../../src/sweep/pruners/median.ts'
import { random } from '../../src/sweep/samplers/random.ts'
import type { Trial } from '../../src/track/sweep-journal.ts'

const curve = (index: number, values: readonly number[], every = 1): Reports => ({
  index,
  reports: values.map((value, i) => ({ step: (i + 1) * every, value })),
})

describe('asha', () => {
  const pruner = asha({ min_step: 2, eta: 3 })
  const others = [4, 5, 6, 7, 8].map((value, i) => curve(i, [9, value]))

  it('lets one in eta go on at each rung, whoever comes first', () => {
    expect(pruner.prune(curve(9, [9, 4.5]), others)).toBeUndefined()
    expect(pruner.prune(curve(9, [9, 5.5]), others)).toBe(
      'at rung 2 it is number 3 of 6, and 2 of them go on',
    )
    expect(pruner.prune(curve(9, [9, 99]), [])).toBeUndefined()
    expect(pruner.prune(curve(9, [9, 99]), others.slice(0, 1))).toMatch(/number 2 of 2, and 1 of them/)
  })

  it('asks only where a rung is reached, also where reports step over it', () => {
    expect(pruner.prune(curve(9, [99]), others)).toBeUndefined()
    expect(pruner.prune(curve(9, [9, 4, 99]), others)).toBeUndefined()
    // Reports at 5 and 10: rungs 2, 6 and 18; the second report is the first one beyond 6.
    const wide = [1, 2, 3].map((value, i) => curve(i, [9, value], 5))
    expect(pruner.prune(curve(9, [0, 4], 5), wide)).toMatch(/^at rung 6 it is number 4 of 4/)
    expect(pruner.prune(curve(9, [99], 5), wide)).toMatch(/^at rung 2 /)
  })

  it('NaN, which counts as infinitely bad, ends', () => {
    expect(pruner.prune(curve(9, [9, Number.POSITIVE_INFINITY]), others)).toMatch(/number 6 of 6/)
  })
})

describe('median', () => {
  const pruner = median({ warmup: 2, startup: 3 })
  const others = [curve(0, [4, 4, 4]), curve(1, [6, 6, 6]), curve(2, [8, 8, 8])]

  it('compares the best so far with the median of the running means', () => {
    expect(pruner.prune(curve(9, [9, 5.9]), others)).toBeUndefined()
    expect(pruner.prune(curve(9, [5, 9]), others)).toBeUndefined()
    expect(pruner.prune(curve(9, [9, 6.1]), others)).toBe(
      'at step 2 its best, 6.1, is worse than the median of 3 others, 6',
    )
  })

  it('waits for its warmup and for enough others that came as far', () => {
    expect(pruner.prune(curve(9, [99]), others)).toBeUndefined()
    expect(pruner.prune(curve(9, [99, 99]), others.slice(1))).toBeUndefined()
    expect(pruner.prune(curve(9, [99, 99, 99, 99]), others)).toBeUndefined()
  })
})

const SPACE: Space = [
  { path: 'a', distribution: { kind: 'float', min: 0, max: 1, scale: 'linear' }, when: [] },
  { path: 'b', distribution: { kind: 'categorical', values: ['x', 'y', 'z'] }, when: [] },
  { path: 'c', distribution: { kind: 'float', min: 1e-4, max: 1, scale: 'log' }, when: [] },
  { path: 'same', distribution: { kind: 'categorical', values: [1] }, when: [] },
]

function trials(
  count: number,
  value: (params: Readonly<Record<string, unknown>>) => number,
): readonly Trial[] {
  return Array.from({ length: count }, (_, index) => {
    const params = random.ask({ space: SPACE, seed: 5, index, draw: 0, trials: [] })
    return {
      id: String(index),
      index,
      params,
      status: 'done' as const,
      attempt: 1,
      failures: 0,
      losses: 0,
      value: value(params),
      metrics: {},
      reports: [],
      asked: '',
    }
  })
}

describe('the end of what was searched', () => {
  const list = (at: string, ...values: unknown[]) =>
    ({ path: at, distribution: { kind: 'categorical', values }, when: [] }) as const
  const range = (min: number, max: number, scale: 'linear' | 'log') =>
    ({ path: 'a', distribution: { kind: 'float', min, max, scale }, when: [] }) as const
  const edge = (parameter: Parameters<typeof atEdge>[0][number], value: unknown, share = 0.5) =>
    atEdge([parameter], { [parameter.path]: value }, [{ path: parameter.path, share }])

  it('is told of numbers that matter', () => {
    expect(edge(list('a', 8, 64, 16), 64)).toEqual(['a'])
    expect(edge(list('a', 8, 64, 16), 16)).toEqual([])
    expect(edge(list('a', 8, 64, 16), 64, 0.1)).toEqual([])
    expect(edge(range(1e-4, 1e-2, 'log'), 1.05e-4)).toEqual(['a'])
    expect(edge(range(1e-4, 1e-2, 'log'), 3e-4)).toEqual([])
    expect(edge(range(0, 1, 'linear'), 0.99)).toEqual(['a'])
  })
  it('is nothing where there are words, two values, or a parameter that the best has not', () => {
    expect(edge(list('a', 'x', 'y', 'z'), 'z')).toEqual([])
    expect(edge(list('a', 1, 'x', 3), 3)).toEqual([])
    expect(edge(list('a', 8, 16), 16)).toEqual([])
    expect(atEdge([list('a', 1, 2, 3)], {}, [{ path: 'a', share: 1 }])).toEqual([])
  })
})

describe('importance', () => {
  it('finds what decides, and gives nothing to what never changes', () => {
    const byA = importances(
      SPACE,
      trials(60, ({ a }) => (Number(a) - 0.3) ** 2),
      'minimize',
    )
    expect(byA.map(({ path }) => path)).toHaveLength(3)
    expect(byA[0]).toMatchObject({ path: 'a' })
    expect(byA[0]!.share).toBeGreaterThan(0.7)
    const byB = importances(
      SPACE,
      trials(60, ({ a, b }) => (b === 'y' ? 0 : 1) + 0.01 * Number(a)),
      'minimize',
    )
    expect(byB[0]).toMatchObject({ path: 'b' })
    const byC = importances(
      SPACE,
      trials(60, ({ c }) => -Math.abs(Math.log10(Number(c)) + 2)),
      'maximize',
    )
    expect(byC[0]).toMatchObject({ path: 'c' })
    expect(byC.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12)
  })

  it('counts what was ended early as worse, the earlier the worse', () => {
    const all = trials(60, ({ a }) => (Number(a) - 0.3) ** 2)
    const pruned = all.map((trial) => {
      if (trial.index % 4 === 0) return trial
      // Half as good on paper as it is, since it was ended before it got worse.
      const step = Math.round(10 / (0.1 + trial.value!))
      return { ...trial, status: 'pruned' as const, value: -1, reports: [{ step, value: -1 }] }
    })
    expect(importances(SPACE, pruned, 'minimize')[0]).toMatchObject({ path: 'a' })
  })

  it('says nothing of a handful of trials', () => {
    expect(
      importances(
        SPACE,
        trials(5, ({ a }) => Number(a)),
        'minimize',
      ),
    ).toEqual([])
  })
})

it('the front holds what nothing beats in everything', () => {
  const points = [
    [1, 9],
    [2, 5],
    [3, 6],
    [4, 1],
    [4, 2],
    [Number.NaN, 0],
  ]
  const all = points.map(([loss, seconds], i) => ({
    ...trials(1, () => 0)[0]!,
    id: String(i),
    index: i,
    metrics: { loss: loss!, seconds: seconds! },
  }))
  const front = (goal: 'minimize' | 'maximize') =>
    paretoFront(all, [
      { metric: 'loss', goal: 'minimize' },
      { metric: 'seconds', goal },
    ]).map(({ index }) => index)
  expect(front('minimize')).toEqual([0, 1, 3])
  expect(front('maximize')).toEqual([0])
})

it('measures: events by step, the base model left out, windows of the training loss, the report at the end', () => {
  const metric = { name: 'qa.acc', take: 'best', goal: 'maximize' } as const
  const measures = new Measures({ watch: 'train.loss', metric })
  const time = ''
  const scores = (step: number, acc: number) =>
    measures.take({ time, type: 'eval', step, name: 'qa', scores: { acc } })
  expect([scores(0, 0.9), scores(5, 0.5), scores(9, Number.NaN)]).toEqual([[], [], []])
  const step = (n: number) =>
    measures.take({
      time,
      type: 'step',
      step: n,
      epoch: 1,
      loss: n,
      grad_norm: 0,
      lr: 0,
      tokens: 1,
      label_tokens: 1,
      seconds: 1,
    })
  const reported = Array.from({ length: 20 }, (_, i) => step(i + 1)).flat()
  expect(reported).toEqual([
    { step: 10, value: 5.5 },
    { step: 20, value: 15.5 },
  ])
  measures.takeReport({
    seconds: 3,
    train: { loss_last: 20, precision: 'fp32' },
    eval: { qa: { metric: 'acc', base: { acc: 0.9 }, tuned: { acc: 0.4, n: 9, ci95: [0, 1] } } },
  })
  expect(measures.result()).toEqual({
    value: 0.5,
    metrics: { 'qa.acc': 0.4, 'qa.n': 9, qa: 0.4, 'train.loss': 20, 'train.loss_last': 20, seconds: 3 },
  })
})
