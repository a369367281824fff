/** @file Each place to stop at, each with another setting; `npm run torture` has every place with every setting. */
import { beforeAll, expect, test } from 'vitest'
import { Matrix, PLACES, SETTINGS } from './matrix.ts'

let matrix: Matrix

beforeAll(async () => {
  matrix = await Matrix.open()
})

// Everything on, everything off, and one in between.
const CHOSEN = [0, 15, 9].map((i) => SETTINGS[i]!)

test.each(PLACES.map((place, i) => ({ place, ...CHOSEN[i % CHOSEN.length]! })))(
  'stopped $place: pack $pack, shuffle $shuffle, dropout $dropout, evaluate $evaluate',
  async ({ place, ...setting }) => {
    await matrix.check(setting, place)
  },
)

test('the chosen settings have each option on and off', () => {
  for (const key of ['pack', 'shuffle', 'dropout', 'evaluate'] as const)
    expect(new Set(CHOSEN.map((setting) => setting[key])).size).toBe(2)
})
