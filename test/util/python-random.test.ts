import { expect, test } from 'vitest'
import { PythonRandom } from '../../src/util/python-random.ts'

test("samples are Python's: random.Random(1234).sample(range(n), k)", () => {
  const random = new PythonRandom(1234)
  expect(random.sample(4183, 5)).toEqual([3610, 957, 61, 742, 286])
  expect(random.sample(4183, 5)).toEqual([687, 806, 2905, 1939, 142])
  // From a pool, and with the larger limit that more than five draws have.
  expect(random.sample(18, 4)).toEqual([0, 17, 11, 10])
  expect(random.sample(100, 9)).toEqual([79, 61, 78, 59, 19, 11, 23, 91, 14])
})

test("shuffles are Python's: random.seed(0), then two lists", () => {
  const random = new PythonRandom(0)
  expect(random.shuffled([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([7, 8, 1, 5, 3, 4, 2, 0, 9, 6])
  expect(random.shuffled([...'abcdefg']).join('')).toBe('gadfbec')
})
