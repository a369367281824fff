/** @file Small parts of the page that need no page. */
import { expect, test } from 'vitest'
import { paretoFront } from '../../src/dashboard/app/parameters/pareto.ts'
import { groupFigure } from '../../src/dashboard/app/table/groups.ts'
import { pickRows } from '../../src/dashboard/shared/pick-rows.ts'
import type { RunRow } from '../../src/track/read/run-row.ts'
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
