/** @file The arena's bookkeeping, by hand: where it puts what it is asked for, and what that touches. */
import { expect, test } from 'vitest'
import { Arena, type Chunk } from '../../../src/compute/onnx/arena.ts'
import { uniform } from '../../../src/util/random.ts'

const MIB = 2 ** 20
const place = ({ region, at, size }: Chunk): readonly number[] => [region.index, at / MIB, size / MIB]

test('regions double from 1 MiB on, and further at once where more is asked for', () => {
  const arena = new Arena()
  // Each fills its region, so that the next one needs another.
  expect([1, 2, 4, 8].map((size) => place(arena.take(size * MIB)))).toEqual([
    [0, 0, 1],
    [1, 0, 2],
    [2, 0, 4],
    [3, 0, 8],
  ])
  // 16 would be next.
  expect(place(arena.take(40 * MIB))).toEqual([4, 0, 64])
  expect(place(arena.take(64 * MIB))).toEqual([5, 0, 64])
  // A region that was made larger at once does not double the next one: that was full.
  expect(place(arena.take(40 * MIB))).toEqual([6, 0, 40])
  expect(arena.touched).toBe((1 + 2 + 4 + 8 + 40 + 64 + 40) * MIB)
})

test('a chunk less than twice as large is handed out whole, unless 128 MiB would be lost', () => {
  const arena = new Arena()
  expect(place(arena.take(100 * MIB))).toEqual([0, 0, 128])
  expect(place(arena.take(130 * MIB))).toEqual([1, 0, 256])
  expect(place(arena.take(300 * MIB))).toEqual([2, 0, 300])
  expect(place(arena.take(100 * MIB))).toEqual([2, 300, 100])
})

test('what is given back joins its neighbours, whatever the order', () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [0, 2, 1],
    [1, 0, 2],
  ]) {
    const arena = new Arena()
    const all = arena.take(64 * MIB)
    arena.give(all)
    const thirds = [20, 20, 20].map((size) => arena.take(size * MIB))
    expect(thirds.map(({ region }) => region.index)).toEqual([0, 0, 0])
    for (const i of order) arena.give(thirds[i]!)
    expect(place(arena.take(64 * MIB))).toEqual([0, 0, 64])
    expect(arena.touched).toBe(64 * MIB)
  }
})

test('of regions of one size the second run begins in the one made last, so that it touches more than the first', () => {
  const arena = new Arena()
  const run = (): void => {
    const chunks = [300, 700, 700].map((size) => arena.take(size * MIB))
    for (const chunk of chunks) arena.give(chunk)
  }
  arena.give(arena.take(1024 * MIB - 256))
  const before = arena.touched
  run()
  expect(before).toBe(1024 * MIB - 256)
  // 300 and 700 in the first region, 700 in another.
  expect(arena.touched).toBe(before + 700 * MIB)
  run()
  // 300 and 700 in the other, 700 in the first.
  expect(arena.touched).toBe(before + 1000 * MIB)
  run()
  expect(arena.touched).toBe(before + 1000 * MIB)
})

test('chunks in use never overlap, and what is touched is what they covered', () => {
  const arena = new Arena()
  const held: Chunk[] = []
  const ends = new Map<number, number>()
  for (let i = 0; i < 3000; i++) {
    if (uniform(1, 0, i) < 0.55 || held.length === 0) {
      const chunk = arena.take(Math.floor(8 * MIB * uniform(1, 1, i) ** 4))
      const overlapping = held.filter(
        ({ region, at, size }) =>
          region === chunk.region && at < chunk.at + chunk.size && chunk.at < at + size,
      )
      expect(overlapping).toEqual([])
      held.push(chunk)
      ends.set(chunk.region.index, Math.max(ends.get(chunk.region.index) ?? 0, chunk.at + chunk.size))
    } else arena.give(held.splice(Math.floor(held.length * uniform(1, 2, i)), 1)[0]!)
  }
  // What is touched reaches as far as anything ever did, and no further.
  const furthest = [...ends.values()].reduce((sum, end) => sum + end, 0)
  expect(arena.touched).toBeGreaterThan(0.9 * furthest)
  expect(arena.touched).toBeLessThanOrEqual(furthest)
})
