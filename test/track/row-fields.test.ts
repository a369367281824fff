import { expect, test } from 'vitest'
import type { RunRow } from '../../src/track/read/run-row.ts'
import { differing } from '../../src/track/row-fields.ts'

test('settings that decide training come before those that watch it; what is the same in all runs is left out', () => {
  const row = (config: Readonly<Record<string, unknown>>): RunRow => ({ config }) as unknown as RunRow
  const common = { 'adapter.use': 'lora' }
  expect(
    differing([
      row({ ...common, 'eval.0.limit': 5, 'trackers.0.use': 'mlflow', seed: 1, 'adapter.rank': 8 }),
      row({ ...common, 'eval.0.limit': 6, seed: 2, 'adapter.rank': 8, 'optimizer.lr': 1e-3 }),
    ]),
  ).toEqual(['seed', 'optimizer.lr', 'eval.0.limit', 'trackers.0.use'])
})
