/** @file SIGKILL at random moments; `npm run torture` does it a hundred times. */
import { expect, test } from 'vitest'
import { FROM_SOURCE, KillHarness } from '../helpers/kill.ts'

test('killed at a random moment and resumed, a run comes to the same bytes', async () => {
  const harness = await KillHarness.open(FROM_SOURCE, 30)
  // The second one is killed again while it goes on.
  const cycles = [await harness.cycle(6), await harness.cycle(8)]
  expect(cycles).toMatchObject([{ same: true }, { same: true }])
  expect(cycles.reduce((total, { kills }) => total + kills, 0)).toBeGreaterThan(1)
}, 240_000)
