import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseSplit, sliceRows } from '../../../plugins/dataset/split-slice.ts'
import { InputError, OptionError } from '../../../src/plugin/contract.ts'
import { collect } from '../../data/rows.ts'

const fixture = fileURLToPath(new URL('../../fixtures/splits.json', import.meta.url))

/** Row numbers (from 0) that the split gives of `total` rows, how many were read for it, and what was told. */
async function taken(text: string, total = 10): Promise<{ rows: number[]; read: number; told: string[] }> {
  let read = 0
  const told: string[] = []
  const rows = async function* () {
    for (let i = 0; i < total; i++) {
      read++
      yield { i }
    }
  }
  const list = await collect(sliceRows(parseSplit(text), rows, (message) => told.push(message)))
  return { rows: list.map(({ i }) => i as number), read, told }
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

describe('a slice of a split', () => {
  it('is the rows that `datasets` takes, for every pair of ends (test/reference/splits.py)', async () => {
    const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as {
      cases: (readonly [string, number, number?, number?])[]
    }
    let [same, empty, mixed] = [0, 0, 0]
    for (const [text, total, from = 0, to = 0] of cases) {
      const ends = text.slice('train['.length, -1).split(':')
      if (ends.every(Boolean) && ends[0]!.endsWith('%') !== ends[1]!.endsWith('%')) {
        // `datasets` takes the other number for a percentage, too; nobody means that.
        expect(() => parseSplit(text), text).toThrow(/both ends in rows, or both in per cent/)
        mixed++
      } else if (from >= to) {
        await expect(taken(text, total), `${text} of ${total}`).rejects.toThrow(/is empty/)
        empty++
      } else {
        const { rows } = await taken(text, total)
        expect([rows[0], rows.at(-1)! + 1, rows.length], `${text} of ${total}`).toEqual([from, to, to - from])
        same++
      }
    }
    expect([same > 500, empty > 300, mixed > 500]).toEqual([true, true, true])
  })

  it.each<[string, number, number, number]>([
    ['train', 10, 0, 10],
    [' train[ 2 : 5 ] ', 10, 2, 5],
    ['train[:1_000]', 2000, 0, 1000],
  ])('%s of %i rows is rows %i to %i', async (text, total, from, to) => {
    expect((await taken(text, total)).rows).toEqual(range(from, to))
  })

  it('is cut to the rows that there are, which is told', async () => {
    expect(await taken('train[:11]')).toMatchObject({
      rows: range(0, 10),
      told: ['the slice of train reaches to row 11, and there are only 10'],
    })
    expect((await taken('train[:10]')).told).toEqual([])
  })

  it('by number alone reads no further than it reaches', async () => {
    expect(await taken('train[2:4]', 1000)).toEqual({ rows: [2, 3], read: 4, told: [] })
  })

  it.each([
    ['train[10:]', /is empty: .*, and there are 10/],
    ['train[5:5]', /is empty: it goes from row 5 to 5/],
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
