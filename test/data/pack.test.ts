import { expect, it } from 'vitest'
import { packBins, permutation } from '../../src/data/index.ts'

it("packs like TRL's best-fit decreasing", () => {
  expect(packBins([3, 5, 3, 3, 2, 5, 1, 3], 8)).toEqual([[1, 0], [5, 2], [3, 7, 4], [6]])
})

/** The rule in words, without any of the bookkeeping: every open bin is looked at for every document. */
function packSlowly(lengths: readonly number[], maxLength: number): number[][] {
  const order = [...lengths.keys()]
    .filter((i) => lengths[i]! > 0)
    .sort((a, b) => lengths[b]! - lengths[a]! || a - b)
  const bins: { items: number[]; space: number; since: number }[] = []
  for (const [time, index] of order.entries()) {
    const length = Math.min(lengths[index]!, maxLength)
    const fitting = bins.filter((bin) => bin.space >= length)
    fitting.sort((a, b) => a.space - b.space || a.since - b.since)
    const bin = fitting[0] ?? { items: [], space: maxLength, since: 0 }
    if (fitting.length === 0) bins.push(bin)
    bin.items.push(index)
    bin.space -= length
    bin.since = time
  }
  return bins.map((bin) => bin.items)
}

it('follows its rule on many random cases, and loses or overfills nothing', () => {
  for (let seed = 0; seed < 60; seed++) {
    const draws = permutation(400, seed)
    const maxLength = 16 + (draws[0]! % 50)
    const lengths = [...draws.subarray(1, 2 + (draws[1]! % 120))].map((draw) => draw % (maxLength + 3))
    const bins = packBins(lengths, maxLength)
    expect(bins).toEqual(packSlowly(lengths, maxLength))
    const placed = bins.flat().sort((a, b) => a - b)
    expect(placed).toEqual([...lengths.keys()].filter((i) => lengths[i]! > 0))
    for (const bin of bins) {
      expect(bin.reduce((sum, i) => sum + Math.min(lengths[i]!, maxLength), 0)).toBeLessThanOrEqual(maxLength)
    }
  }
})

it('packs nothing into nothing', () => {
  expect(packBins([], 8)).toEqual([])
  expect(packBins([0, 0], 8)).toEqual([])
})
