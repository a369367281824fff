import { describe, expect, it } from 'vitest'
import { heldOut } from '../../src/data/index.ts'
import { OptionError } from '../../src/plugin/contract.ts'
import { collect, datasetOf } from './rows.ts'

const rows = Array.from({ length: 200 }, (_, i) => ({ i }))
const dataset = datasetOf(rows)
const numbers = async (
  options: { holdout: number; limit?: number; seed: number },
  split: 'train' | 'holdout',
) => (await collect(heldOut(dataset, options).read(split))).map((row) => row.i as number)

describe('heldOut', () => {
  it('parts the rows, both in the order of the file', async () => {
    const train = await numbers({ holdout: 20, seed: 42 }, 'train')
    const held = await numbers({ holdout: 20, seed: 42 }, 'holdout')
    expect([train.length, held.length]).toEqual([180, 20])
    expect([...train, ...held].sort((a, b) => a - b)).toEqual(rows.map((row) => row.i))
    expect(train).toEqual([...train].sort((a, b) => a - b))
    expect(held).toEqual([...held].sort((a, b) => a - b))
  })

  it('chooses by the seed', async () => {
    const held = await numbers({ holdout: 20, seed: 42 }, 'holdout')
    expect(await numbers({ holdout: 20, seed: 42 }, 'holdout')).toEqual(held)
    expect(await numbers({ holdout: 20, seed: 43 }, 'holdout')).not.toEqual(held)
  })

  it('takes a fraction, rounded up', async () => {
    expect(await numbers({ holdout: 0.025, seed: 1 }, 'holdout')).toHaveLength(5)
    expect(await numbers({ holdout: 0.021, seed: 1 }, 'holdout')).toHaveLength(5)
  })

  it('cuts the holdout from the rows within the limit', async () => {
    const all = [
      ...(await numbers({ holdout: 3, limit: 10, seed: 1 }, 'train')),
      ...(await numbers({ holdout: 3, limit: 10, seed: 1 }, 'holdout')),
    ]
    expect(all.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('has no holdout unless asked', async () => {
    expect(await numbers({ holdout: 0, seed: 1 }, 'holdout')).toEqual([])
    expect(await numbers({ holdout: 0, seed: 1 }, 'train')).toHaveLength(200)
  })

  it('refuses to keep everything, or half a row', async () => {
    await expect(numbers({ holdout: 200, seed: 1 }, 'train')).rejects.toThrow(OptionError)
    await expect(numbers({ holdout: 200, seed: 1 }, 'train')).rejects.toThrow(/200 of 200 rows/)
    await expect(numbers({ holdout: 1.5, seed: 1 }, 'train')).rejects.toThrow(/whole number/)
  })
})
