/** @file Small parts of the page that need no page. */
import { expect, test } from 'vitest'
import { importancesOf } from '../../src/dashboard/app/parameters/importance.ts'
import { paretoFront } from '../../src/dashboard/app/parameters/pareto.ts'
import { nameOf } from '../../src/dashboard/app/parts/format.ts'
import { bestSoFar, distributionText, inOrder } from '../../src/dashboard/app/sweep/trials.ts'
import { groupFigure } from '../../src/dashboard/app/table/groups.ts'
import { pickRows } from '../../src/dashboard/shared/pick-rows.ts'
import type { RunRow } from '../../src/track/read/run-row.ts'
import type { Trial } from '../../src/track/sweep-journal.ts'
import { visible, visibleLine } from '../../src/util/visible.ts'
import { wordDiff } from '../../src/util/word-diff.ts'

const spell = (before: string, after: string): string =>
  wordDiff(before, after)
    .map(({ kind, text }) => ({ same: text, added: `+${text}+`, removed: `-${text}-` })[kind])
    .join('')

test('words that differ are found, and what is the same stays together', () => {
  expect(spell('the cat sat on it', 'the dog sat on it')).toBe('the -cat -+dog +sat on it')
  expect(spell('a b c', 'a b c')).toBe('a b c')
  expect(spell('', 'new words')).toBe('+new words+')
  expect(spell('one two three end', 'two three four end')).toBe('-one -two three +four +end')
  expect(spell('心臓病です', '心臓炎です')).toBe('心臓-病-+炎+です')
})

test('the parts of both texts come out whole, however long they are', () => {
  const words = (seed: number, n: number): string =>
    Array.from({ length: n }, (_, i) => `w${(i * seed) % 17}`).join(' ')
  for (const [n, m] of [
    [40, 55],
    [3000, 2500],
  ] as const) {
    const [before, after] = [words(3, n), words(5, m)]
    const parts = wordDiff(before, after)
    expect(
      parts
        .filter(({ kind }) => kind !== 'added')
        .map(({ text }) => text)
        .join(''),
    ).toBe(before)
    expect(
      parts
        .filter(({ kind }) => kind !== 'removed')
        .map(({ text }) => text)
        .join(''),
    ).toBe(after)
  }
})

test('what cannot be seen is made visible, what joins letters is left', () => {
  expect(visible('\u001b[31mred\u0007\u0000')).toBe('␛[31mred␇␀')
  expect(visible('abc\u202edcba\u2066x\u200b')).toBe('abc⟨U+202E⟩dcba⟨U+2066⟩x⟨U+200B⟩')
  expect(visible('a\n\tb 👨‍👩‍👧 می‌خواهم')).toBe('a\n\tb 👨‍👩‍👧 می‌خواهم')
  expect(visibleLine('a\r\nb\tc')).toBe('a ⏎ b c')
})

test('the front is what no other beats in both, in the order of the first', () => {
  const points = [
    [1, 5],
    [2, 3],
    [3, 3],
    [4, 1],
    [2, 6],
    [5, 2],
  ].map(([a, b]) => ({ a: a!, b: b! }))
  const front = (lowerA: boolean, lowerB: boolean): number[][] =>
    paretoFront(points, lowerA, lowerB).map(({ a, b }) => [a, b])
  expect(front(true, true)).toEqual([
    [1, 5],
    [2, 3],
    [4, 1],
  ])
  expect(front(true, false)).toEqual([
    [1, 5],
    [2, 6],
  ])
  expect(front(false, false)).toEqual([
    [2, 6],
    [3, 3],
    [5, 2],
  ])
})

test('rows are picked so that no column loses an extreme or a gap', () => {
  const n = 10_000
  const loss = Float64Array.from({ length: n }, (_, i) =>
    i === 777 ? 50 : i === 778 ? Number.NaN : Math.sin(i),
  )
  const step = Float64Array.from({ length: n }, (_, i) => i)
  const rows = pickRows(
    new Map([
      ['loss', loss],
      ['step', step],
    ]),
    n,
    50,
  )
  expect(rows).toContain(777)
  expect(rows).toContain(778)
  expect([rows[0], rows.at(-1)]).toEqual([0, n - 1])
  expect(rows.length).toBeLessThan(50 * 6)
  expect(pickRows(new Map([['loss', loss.subarray(0, 100)]]), 100, 50)).toHaveLength(100)
})

test('a group has the mean and the spread of its finite values', () => {
  const rows = [1, 2, 6, Number.NaN].map(
    (loss) => ({ figures: { loss }, config: {}, about: {} }) as unknown as RunRow,
  )
  expect(groupFigure(rows, 'loss')).toEqual({ mean: 3, deviation: Math.sqrt(7), n: 3 })
  expect(groupFigure(rows, 'nothing')).toBeUndefined()
})

const trial = (index: number, status: Trial['status'], value?: number, more: Partial<Trial> = {}): Trial => ({
  id: `t${index}`,
  index,
  params: {},
  status,
  attempt: 1,
  failures: 0,
  losses: 0,
  asked: '',
  metrics: {},
  reports: [],
  ...(value === undefined ? {} : { value }),
  ...more,
})

test('trials: the best so far, and running ones before ranked ones before the rest', () => {
  const trials = [
    trial(0, 'done', 3),
    trial(1, 'failed', undefined, { reason: 'x' }),
    trial(2, 'done', 4),
    trial(3, 'pruned', 1),
    trial(4, 'done', 2),
    // As a page reads NaN.
    trial(5, 'done', null as unknown as number),
    trial(6, 'running', undefined, { reports: [{ step: 1, value: 9 }] }),
  ]
  const minimize = { metric: { name: 'm', goal: 'minimize', take: 'last' }, trials } as const
  const maximize = { ...minimize, metric: { ...minimize.metric, goal: 'maximize' } } as const
  expect(bestSoFar(minimize)).toEqual([
    { index: 0, value: 3 },
    { index: 4, value: 2 },
  ])
  expect(bestSoFar(maximize).map(({ index }) => index)).toEqual([0, 2])
  expect(inOrder(minimize).map(({ index }) => index)).toEqual([6, 4, 0, 2, 5, 3, 1])
  expect(inOrder(maximize).map(({ index }) => index)).toEqual([6, 2, 0, 4, 5, 3, 1])
})

test('trials of a sweep share a name, and are told apart by their number', () => {
  expect(nameOf({ name: 'quickstart', trial: '0018-9106d7a8' })).toBe('quickstart #18')
  expect(nameOf({ name: 'quickstart' })).toBe('quickstart')
  expect(nameOf({ name: 'x', trial: 'odd' })).toBe('x')
})

test('what is searched, in words', () => {
  const range = { kind: 'float', min: 5e-4, max: 0.01, scale: 'log' } as const
  expect(distributionText(range)).toBe('0.0005 to 0.01, log')
  expect(distributionText({ kind: 'int', min: 8, max: 512, scale: 'linear', step: 8 })).toBe(
    '8 to 512 in steps of 8, whole',
  )
  expect(distributionText({ kind: 'int', min: 1000, max: 4000, scale: 'linear', step: 1 })).toBe(
    '1000 to 4000, whole',
  )
  expect(distributionText({ kind: 'categorical', values: [4, 'linear', { use: 'x' }] })).toBe(
    '4, linear, {"use":"x"}',
  )
})

test('trials that were ended early count for what mattered; runs that were stopped by hand do not', () => {
  // Whoever came to its end has the good rate; what tells those apart is the rank.
  const rows = Array.from({ length: 24 }, (_, i): RunRow => {
    const good = i < 8
    const config = { rank: i % 4, rate: good ? 1 : 2 + (i % 2) }
    return {
      id: `r${i}`,
      name: 'r',
      status: good ? 'done' : 'stopped',
      step: good ? 80 : 20,
      sweep: 'a',
      tags: [],
      note: '',
      problems: [],
      about: {},
      evals: [],
      curves: [],
      config,
      figures: { loss: good ? 1 + (i % 4) / 10 : 5 },
    }
  })
  const shares = importancesOf(rows, ['rank', 'rate'], 'loss', true)
  expect(shares[0]).toMatchObject({ path: 'rate' })
  expect(shares[0]!.share).toBeGreaterThan(0.9)
  const alone = rows.map(({ sweep: _, ...row }) => row)
  expect(importancesOf(alone, ['rank', 'rate'], 'loss', true)).toEqual([{ path: 'rank', share: 1 }])
})
