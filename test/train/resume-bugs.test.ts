/** @file The mistakes that other trainers made when they resumed, each as a run that would show it. */
import { expect, test } from 'vitest'
import { epochOrder } from '../../src/data/index.ts'
import { type BatchOptions, type MicroBatch, microBatches } from '../../src/train/batches.ts'
import { documentOf, memorySplit } from '../helpers/memory-split.ts'

const options: BatchOptions = {
  epochs: 3,
  batch_size: 1,
  accumulate: 2,
  max_length: 64,
  pack: false,
  shuffle: true,
}
/** Each is named by its number of labels. */
const documents = (count: number, from = 1) =>
  Array.from({ length: count }, (_, i) => documentOf(8 + from + i, from + i, i + 1))
const split = () => memorySplit([documents(7)])

async function take(
  stream: AsyncIterable<MicroBatch>,
  steps = Number.POSITIVE_INFINITY,
): Promise<MicroBatch[]> {
  const list: MicroBatch[] = []
  for await (const batch of stream) {
    list.push(batch)
    if (batch.last && new Set(list.map(({ step }) => step)).size >= steps) break
  }
  return list
}

const seen = (batches: readonly MicroBatch[]): number[] => batches.map(({ batch }) => batch.labelTokens)
const after = (batches: readonly MicroBatch[]) => {
  const { step, next: cursor } = batches.at(-1)!
  return { step, cursor }
}
const whole = () => take(microBatches(split(), options, 5))

test('the epoch is part of the place: the second epoch goes on in the order of the second epoch', async () => {
  // Four steps an epoch; stopped behind the second step of the second epoch.
  const first = await take(microBatches(split(), options, 5), 6)
  const rest = await take(microBatches(split(), options, 5, after(first)), 2)
  const order = [...epochOrder(7, 5, 1)].map((i) => i + 1)
  expect(seen(rest)).toEqual(order.slice(4))
  expect(seen(rest)).not.toEqual([...epochOrder(7, 5, 0)].map((i) => i + 1).slice(4))
})

test('saved at the end of an epoch, none is dropped and none comes twice', async () => {
  const first = await take(microBatches(split(), options, 5), 4)
  expect(first.at(-1)).toMatchObject({ step: 4, epoch: 0 })
  const rest = await take(microBatches(split(), options, 5, after(first)))
  expect([...seen(first), ...seen(rest)]).toEqual(seen(await whole()))
  expect(rest[0]).toMatchObject({ step: 5, epoch: 1 })
  // Also where the rows of an epoch fill its last step.
  const even = () => memorySplit([documents(6)])
  const full = await take(microBatches(even(), options, 5))
  const head = await take(microBatches(even(), options, 5), 3)
  const tail = await take(microBatches(even(), options, 5, after(head)))
  expect([...seen(head), ...seen(tail)]).toEqual(seen(full))
})

test('a second resume within one epoch counts from the beginning of the epoch, not from the first resume', async () => {
  const one = await take(microBatches(split(), options, 5), 1)
  const two = await take(microBatches(split(), options, 5, after(one)), 1)
  const rest = await take(microBatches(split(), options, 5, after(two)))
  expect([...seen(one), ...seen(two), ...seen(rest)]).toEqual(seen(await whole()))
})

test('an epoch that began in the middle is followed by whole ones', async () => {
  const first = await take(microBatches(split(), options, 5), 3)
  const rest = await take(microBatches(split(), options, 5, after(first)))
  const byEpoch = [0, 1, 2].map((epoch) => rest.filter((batch) => batch.epoch === epoch).length)
  expect(byEpoch).toEqual([1, 7, 7])
})

test('packed, the place is counted in packed rows, and no document comes twice in an epoch', async () => {
  const packing = { ...options, pack: true, epochs: 1 }
  const packed = () => memorySplit([documents(9), documents(8, 20)])
  const full = await take(microBatches(packed(), packing, 5))
  const rows = full.reduce((total, { batch }) => total + batch.rows, 0)
  expect(rows).toBeLessThan(17)
  for (let steps = 1; steps < full.at(-1)!.step; steps++) {
    const head = await take(microBatches(packed(), packing, 5), steps)
    const tail = await take(microBatches(packed(), packing, 5, after(head)))
    expect([...head, ...tail].map(({ batch }) => batch)).toEqual(full.map(({ batch }) => batch))
  }
})

test('the place is in force from the first batch that is asked for', async () => {
  const asked: number[] = []
  const windows = [documents(4), documents(4), documents(4)]
  const start = { step: 4, cursor: { epoch: 0, part: 2, row: 0 } }
  const fixed = { ...options, steps: 12 }
  const stream = microBatches(memorySplit(windows, asked), fixed, 5, start)
  const { value } = await stream.next()
  expect(value).toMatchObject({ step: 5, epoch: 0 })
  expect(asked).toEqual([2])
})

test('the number of steps, and so the schedule, is that of the whole run', async () => {
  const totals = (await whole()).map(({ total }) => total)
  const first = await take(microBatches(split(), options, 5), 5)
  const rest = await take(microBatches(split(), options, 5, after(first)))
  expect([...first, ...rest].map(({ total }) => total)).toEqual(totals)
})
