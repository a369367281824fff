/** @file Every place to stop at with every setting. */
import { beforeAll, test } from 'vitest'
import { Matrix, PLACES, SETTINGS } from '../run/matrix.ts'

let matrix: Matrix

beforeAll(async () => {
  matrix = await Matrix.open()
})

test.each(SETTINGS.flatMap((setting) => PLACES.map((place) => ({ place, ...setting }))))(
  'stopped $place: pack $pack, shuffle $shuffle, dropout $dropout, evaluate $evaluate',
  async ({ place, ...setting }) => {
    await matrix.check(setting, place)
  },
)
