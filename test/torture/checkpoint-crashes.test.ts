/** @file Crashes at every operation of a save, with many draws of what was lost. */
import { expect, test } from 'vitest'
import { crashes } from '../run/saving.ts'

test.each([1, 2])('always the old or the new checkpoint, whole; keeping %i', async (keep) => {
  const chances = Array.from({ length: 60 }, (_, draw) => (draw % 11) / 10)
  const seen = await crashes(keep, chances)
  console.log(`keeping ${keep}: ${JSON.stringify(Object.fromEntries(seen))} (step to go on from: crashes)`)
  expect([...seen.keys()].sort()).toEqual([1, 2])
})
