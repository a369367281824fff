import { expect, test } from 'vitest'
import { epochOrder } from '../../src/data/index.ts'
import { type BatchOptions, type MicroBatch, microBatches, totalSteps } from '../../src/train/batches.ts'
import { documentOf, memorySplit } from '../helpers/memory-split.ts'

const options: BatchOptions = {
  epochs: 1,
  batch_size: 2,
  accumulate: 2,
  max_length: 64,
  pack: false,
  shuffle: false,
}
const documents = (count: number) => Array.from({ length: count }, (_, i) => documentOf(10 + i, 1 + i, i + 1))

async function all(stream: AsyncIterable<MicroBatch>): Promise<MicroBatch[]> {
  const list: MicroBatch[] = []
  for await (const batch of stream) list.push(batch)
  return list
}

/** Learned tokens of the documents of each micro-batch, which name them here. */
const labels = (batches: readonly MicroBatch[]): number[] => batches.map(({ batch }) => batch.labelTokens)

test('windows of accumulation do not cross epochs, and the last one is shorter', async () => {
  const batches = await all(microBatches(memorySplit([documents(5)]), { ...options, epochs: 2 }, 1))
  expect(batches.map(({ step, epoch, last }) => [step, epoch, last])).toEqual([
    [1, 0, false],
    [1, 0, true],
    [2, 0, true],
    [3, 1, false],
    [3, 1, true],
    [4, 1, true],
  ])
  expect(labels(batches)).toEqual([3, 7, 5, 3, 7, 5])
  expect(new Set(batches.map(({ total }) => total))).toEqual(new Set([4]))
})

test('every label of a step weighs one over the labels of the whole step', async () => {
  const [first, second, third] = await all(microBatches(memorySplit([documents(5)]), options, 1))
  for (const { batch } of [first!, second!]) {
    expect([...batch.labelWeight.subarray(0, batch.labelTokens)]).toEqual(
      Array(batch.labelTokens).fill(Math.fround(1 / 10)),
    )
    expect(batch.labelWeight[batch.labelTokens]).toBe(0)
  }
  expect(third!.batch.labelWeight[0]).toBe(Math.fround(1 / 5))
})

test('the order of an epoch is that of the seeded sampler', async () => {
  const five = documents(5)
  const seen = await all(
    microBatches(
      memorySplit([five]),
      { ...options, batch_size: 1, accumulate: 1, shuffle: true, epochs: 2 },
      42,
    ),
  )
  const expected = [...epochOrder(5, 42, 0), ...epochOrder(5, 42, 1)].map((i) => i + 1)
  expect(labels(seen)).toEqual(expected)
})

test('steps decide over epochs: fewer stop early, more go on through the data again', async () => {
  const few = await all(microBatches(memorySplit([documents(5)]), { ...options, steps: 1 }, 1))
  expect(few.at(-1)).toMatchObject({ step: 1, last: true, total: 1 })
  const many = await all(microBatches(memorySplit([documents(5)]), { ...options, steps: 5 }, 1))
  expect(many.at(-1)).toMatchObject({ step: 5, epoch: 2, last: true, total: 5 })
})

test('packing fills rows, and every document is trained on once an epoch', async () => {
  const packed = await all(
    microBatches(memorySplit([documents(9)]), { ...options, pack: true, shuffle: true }, 7),
  )
  expect(packed.reduce((total, { batch }) => total + batch.labelTokens, 0)).toBe(45)
  expect(packed.reduce((total, { batch }) => total + batch.rows, 0)).toBeLessThan(9)
})

test('the first step asks for the first window alone; the total is an estimate there and exact afterwards', async () => {
  const asked: number[] = []
  const split = memorySplit([documents(4), documents(4), documents(2)], asked)
  const stream = microBatches(split, { ...options, accumulate: 1 }, 1)
  const first = await stream.next()
  expect(new Set(asked)).toEqual(new Set([0]))
  expect(first.value).toMatchObject({ step: 1, total: 6 })
  const rest = await all(stream)
  expect(rest.map(({ step, total }) => [step, total])).toEqual([
    [2, 6],
    [3, 5],
    [4, 5],
    [5, 5],
  ])
})

test('a split without documents is an error, not an endless loop', async () => {
  await expect(all(microBatches(memorySplit([[]]), { ...options, steps: 3 }, 1))).rejects.toThrow(
    /no rows are left/,
  )
})

test('steps of a run as transformers counts them', () => {
  // 10 rows in batches of 2, two a step, two epochs: 5 batches, 3 steps an epoch.
  expect(totalSteps(10, { epochs: 2, batch_size: 2, accumulate: 2 })).toBe(6)
  expect(totalSteps(10, { epochs: 0.5, batch_size: 2, accumulate: 2 })).toBe(2)
})

const everyOrder = [true, false].flatMap((pack) =>
  [true, false].flatMap((shuffle) =>
    (['stream', 'whole'] as const).map((order) => ({ pack, shuffle, order, epochs: 2.5 })),
  ),
)

test.each(everyOrder)('from any step on, the stream is that of the whole run: %o', async (change) => {
  const windows = [documents(7), documents(5), [], documents(4)]
  const chosen = { ...options, ...change }
  const whole = await all(microBatches(memorySplit(windows), chosen, 3))
  const ends = whole.filter(({ last }) => last)
  for (const { step, next } of ends.slice(0, -1)) {
    const rest = await all(microBatches(memorySplit(windows), chosen, 3, { step, cursor: next }))
    expect(rest).toEqual(whole.filter((batch) => batch.step > step))
  }
  expect(ends.map(({ step }) => step)).toEqual(ends.map((_, i) => i + 1))
})

test('windows before the point are not asked for', async () => {
  const asked: number[] = []
  const split = memorySplit([documents(4), documents(4), documents(4)], asked)
  const start = { step: 2, cursor: { epoch: 0, part: 2, row: 0 } }
  await all(microBatches(split, { ...options, steps: 3 }, 1, start))
  expect(new Set(asked)).toEqual(new Set([2]))
})
