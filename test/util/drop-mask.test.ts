import { expect, test } from 'vitest'
import { dropMask } from '../../src/util/drop-mask.ts'

const place = { seed: 5, site: 'a', step: 1, row: 0 }
const mean = (values: Uint8Array): number => values.reduce((a, b) => a + b, 0) / values.length

test.each([0, 0.05, 0.5, 0.9])('drops a share of %s', (p) => {
  expect(Math.abs(mean(dropMask(place, p, 200_001)) - (1 - p))).toBeLessThan(0.005)
})

test('is the same at the same place, and unrelated at any other', () => {
  const mask = dropMask(place, 0.5, 10_000)
  expect(dropMask(place, 0.5, 10_000)).toEqual(mask)
  // A longer mask begins with the shorter one.
  expect(dropMask(place, 0.5, 20_000).subarray(0, 10_000)).toEqual(mask)
  for (const other of [{ seed: 6 }, { site: 'b' }, { step: 2 }, { row: 1 }]) {
    const agree = dropMask({ ...place, ...other }, 0.5, 10_000).map((value, i) => (value === mask[i] ? 1 : 0))
    expect(Math.abs(mean(agree) - 0.5), JSON.stringify(other)).toBeLessThan(0.03)
  }
  const neighbours = mask.map((value, i) => (value === mask[i + 1] ? 1 : 0)).subarray(0, -1)
  expect(Math.abs(mean(neighbours) - 0.5)).toBeLessThan(0.03)
})
