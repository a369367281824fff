/** @file SIGKILL at random moments; `npm run torture` does it a hundred times. */
import { expect, test } from 'vitest'
import { FROM_SOURCE, KillHarness } from '../helpers/kill.ts'

test('killed at a random moment and resumed, a run comes to the same bytes', async () => {
  const harness = await KillHarness.open(FROM_SOURCE, 30)
  for (const seed of [1, 2, 3]) expect(await harness.cycle(seed)).toMatchObject({ same: true })
})
