import { expect, it } from 'vitest'
import { collate } from '../../src/data/index.ts'

const document = (ids: number[], mask: number[]) => ({
  ids: Int32Array.from(ids),
  mask: Uint8Array.from(mask),
})
const first = document([2, 10, 11, 12], [1, 0, 1, 1])
const second = document([2, 20, 21], [0, 1, 0])
const third = document([2, 30], [0, 1])

it('lays documents end to end, each with positions of its own', () => {
  const batch = collate([[first, second], [third]], 0.25)
  expect([batch.rows, batch.length, batch.tokens, batch.labelTokens, batch.labels]).toEqual([
    2, 128, 9, 4, 128,
  ])
  expect([...batch.ids.subarray(0, 9)]).toEqual([2, 10, 11, 12, 2, 20, 21, 0, 0])
  expect([...batch.position.subarray(0, 9)]).toEqual([0, 1, 2, 3, 0, 1, 2, 0, 0])
  expect([...batch.segment.subarray(0, 9)]).toEqual([0, 0, 0, 0, 1, 1, 1, -1, -1])
  expect([...batch.ids.subarray(128, 131)]).toEqual([2, 30, 0])
  expect([...batch.segment.subarray(128, 131)]).toEqual([0, 0, -1])
  expect(batch.branch.every((value) => value === 0)).toBe(true)
})

it('predicts each masked token from the one before it in the same document, and never a first token', () => {
  const batch = collate([[first, second], [third]], 0.25)
  expect([...batch.labelSlot.subarray(0, 5)]).toEqual([1, 2, 4, 128, 0])
  expect([...batch.labelId.subarray(0, 5)]).toEqual([11, 12, 20, 30, 0])
  expect([...batch.labelWeight.subarray(0, 5)]).toEqual([0.25, 0.25, 0.25, 0.25, 0])
})

it('keeps a label list of one block where there is nothing to learn', () => {
  const batch = collate([[document([2, 3], [1, 0])]], 1)
  expect([batch.labels, batch.labelTokens]).toEqual([128, 0])
  expect(batch.labelWeight.every((weight) => weight === 0)).toBe(true)
})

it('rounds lengths and labels up to the next block', () => {
  const long = document(
    Array.from({ length: 129 }, (_, i) => i + 1),
    new Array(129).fill(1),
  )
  const exact = document(
    Array.from({ length: 128 }, (_, i) => i + 1),
    new Array(128).fill(0),
  )
  expect([collate([[long, long]], 1).length, collate([[long, long]], 1).labels]).toEqual([384, 256])
  expect(collate([[exact]], 1).length).toBe(128)
})
