import { describe, expect, it } from 'vitest'
import { parseSplit, sliceRows } from '../../../plugins/dataset/split-slice.ts'
import { InputError, OptionError } from '../../../src/plugin/contract.ts'
import { collect } from '../../data/rows.ts'

/** Row numbers (from 0) that the split gives of `total` rows, and how many were read for it. */
async function taken(text: string, total = 10): Promise<{ rows: number[]; read: number }> {
  let read = 0
  const rows = async function* () {
    for (let i = 0; i < total; i++) {
      read++
      yield { i }
    }
  }
  const list = await collect(sliceRows(parseSplit(text), rows))
  return { rows: list.map(({ i }) => i as number), read }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('a slice of a split', () => {
  // As datasets.ReadInstruction resolves them.
  it.each<[string, number, number, number]>([
    ['train', 10, 0, 10],
    ['train[:3]', 10, 0, 3],
    ['train[7:]', 10, 7, 10],
    ['train[:]', 10, 0, 10],
    [' train[ 2 : 5 ] ', 10, 2, 5],
    ['train[-4:]', 10, 6, 10],
    ['train[:-4]', 10, 0, 6],
    ['train[10%:20%]', 1000, 100, 200],
    ['train[:25%]', 10, 0, 2],
    ['train[:35%]', 10, 0, 4],
    ['train[-10%:]', 30, 27, 30],
    ['train[50%:8]', 10, 5, 8],
    ['train[-50%:]', 5, 3, 5],
    ['train[-30%:]', 5, 3, 5],
  ])('%s of %i rows is rows %i to %i', async (text, total, from, to) => {
    expect((await taken(text, total)).rows).toEqual(range(from, to))
  })

  it('by number alone reads no further than it reaches', async () => {
    expect(await taken('train[2:4]', 1000)).toEqual({ rows: [2, 3], read: 4 })
  })

  it.each([
    ['train[:11]', /reaches to row 11, but there are only 10/],
    ['train[10:]', /reaches to row 11, but there are only 10/],
    ['train[-11:]', /begins 11 rows before the end, but there are only 10/],
    ['train[5:5]', /is empty: it goes from row 5 to row 5/],
    ['train[60%:40%]', /is empty/],
  ])('%s is refused', async (text, message) => {
    await expect(taken(text)).rejects.toThrow(message)
    await expect(taken(text)).rejects.toBeInstanceOf(InputError)
  })

  it.each(['train[', 'train[1]', 'train[a:b]', 'train+test', '[1:2]', 'train[:101%]', 'train[1:2]x', ''])(
    '%j is no split',
    (text) => {
      expect(() => parseSplit(text)).toThrow(OptionError)
    },
  )
})
