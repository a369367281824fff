import { expect, it } from 'vitest'
import { epochOrder, permutation } from '../../src/data/index.ts'

it('draws the permutations of torch.randperm', () => {
  expect([...permutation(10, 42)]).toEqual([2, 6, 1, 8, 4, 5, 0, 9, 3, 7])
  expect([...permutation(1000, 42).subarray(0, 10)]).toEqual([542, 618, 816, 68, 94, 215, 60, 585, 942, 165])
  expect([...permutation(7, 42)]).toEqual([1, 6, 3, 5, 4, 0, 2])
})

it('seeds each epoch with seed + epoch', () => {
  expect([...epochOrder(10, 42, 0)]).toEqual([2, 6, 1, 8, 4, 5, 0, 9, 3, 7])
  expect([...epochOrder(10, 42, 1)]).toEqual([8, 4, 9, 0, 5, 1, 6, 7, 2, 3])
})

it('permutes without loss, from nothing up to several refills of the generator', () => {
  for (const n of [0, 1, 2, 623, 624, 625, 3000]) {
    expect([...permutation(n, 5)].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
  }
})
