import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type EncodedSplit,
  encodeSplit,
  heldOut,
  openTokenizer,
  type SplitOptions,
} from '../../src/data/index.ts'
import { type Encoded, InputError, type Row } from '../../src/plugin/contract.ts'
import { tempFolder } from '../helpers/temp.ts'
import { writeTinyTokenizer } from '../helpers/tiny-tokenizer.ts'
import { datasetOf, gemmaTemplate, questions } from './rows.ts'

const tokenizer = tempFolder()
beforeAll(() => writeTinyTokenizer(tokenizer))

const options = (rows: readonly Row[], more: Partial<SplitOptions> = {}): SplitOptions => ({
  dataset: datasetOf(rows),
  split: 'train',
  template: gemmaTemplate,
  tokenizer,
  vocabSize: 1000,
  maxLength: 1000,
  overLength: 'truncate',
  shuffle: true,
  seed: 42,
  ...more,
})

/** All documents as plain numbers, and the census. */
async function drain(split: EncodedSplit) {
  const documents: { ids: number[]; mask: number[] }[] = []
  for (let i = 0; i < split.windows; i++) {
    for (const { ids, mask } of await split.window(i)) documents.push({ ids: [...ids], mask: [...mask] })
  }
  const census = await split.census
  await split.close()
  return { documents, census }
}

async function expected(rows: readonly Row[]): Promise<Encoded[]> {
  const open = await openTokenizer(tokenizer)
  return rows.map((row) => open.encode(gemmaTemplate.render(row)))
}
const plain = (documents: readonly Encoded[]) =>
  documents.map(({ ids, mask }) => ({ ids: [...ids], mask: [...mask] }))

describe('encodeSplit', () => {
  it('gives the same documents on this thread and in one or two workers', async () => {
    const rows = questions(150)
    const documents = plain(await expected(rows))
    for (const workers of [0, 1, 2]) {
      expect((await drain(await encodeSplit(options(rows, { workers })))).documents).toEqual(documents)
    }
  })

  it('keeps the order of the file in one window, and spreads rows by the seed over several', async () => {
    const rows = questions(2300)
    const sorted = (documents: readonly object[]) =>
      documents.map((document) => JSON.stringify(document)).sort()
    const split = await encodeSplit(options(rows))
    expect(split.windows).toBe(3)
    const shuffled = await drain(split)
    const inOrder = await drain(await encodeSplit(options(rows, { shuffle: false })))
    expect(inOrder.documents).toEqual(plain(await expected(rows)))
    expect(shuffled.documents).not.toEqual(inOrder.documents)
    expect(sorted(shuffled.documents)).toEqual(sorted(inOrder.documents))
    expect(shuffled.census).toEqual(inOrder.census)
  })

  it('serves a late window before the ones that nobody asked for are counted', async () => {
    const split = await encodeSplit(options(questions(3500)))
    let counted = false
    split.census.then(
      () => (counted = true),
      () => {},
    )
    expect(await split.window(0)).toHaveLength(1000)
    expect(counted).toBe(false)
    expect((await split.census).documents).toBe(3500)
    await split.close()
  })

  it('has no windows for an empty holdout, and refuses an empty training split', async () => {
    const empty = await drain(await encodeSplit(options([], { split: 'holdout' })))
    expect(empty.census).toMatchObject({ rows: 0, documents: 0, longest: 0 })
    await expect(encodeSplit(options([]))).rejects.toThrow(InputError)
  })

  it('stops when it is closed', async () => {
    const split = await encodeSplit(options(questions(4000)))
    await split.close()
    await expect(split.census).rejects.toThrow(/closed|stopped/)
    await expect(split.window(3)).rejects.toThrow(/closed|stopped/)
  })
})

describe('the census', () => {
  const rows = [...questions(8), { q: 'why'.repeat(40), a: 'because' }, { q: 'x', a: 'y'.repeat(150) }]

  it('adds up exactly under each policy', async () => {
    const all = await expected(rows)
    const lengths = all.map((document) => document.ids.length)
    const maxLength = 120
    const over = lengths.filter((length) => length > maxLength).length
    expect(over).toBe(2)
    const dropped = await drain(await encodeSplit(options(rows, { maxLength, overLength: 'drop' })))
    expect(dropped.census).toMatchObject({ rows: 10, documents: 8, dropped: 2, truncated: 0, unlabelled: 0 })
    // The long question fills the row, so nothing of its answer is left.
    const cut = await drain(await encodeSplit(options(rows, { maxLength, overLength: 'truncate' })))
    expect(cut.census).toMatchObject({ rows: 10, documents: 9, dropped: 0, truncated: 1, unlabelled: 1 })
    for (const { documents, census } of [dropped, cut]) {
      expect(census.tokens).toBe(documents.reduce((sum, { ids }) => sum + ids.length, 0))
      expect(census.labelTokens).toBe(
        documents.reduce((sum, { mask }) => sum + mask.reduce((a, b) => a + b, 0), 0),
      )
      expect(census.longest).toBe(Math.max(...lengths))
      let from = -1
      for (const { upTo, rows } of census.histogram) {
        expect(rows).toBe(lengths.filter((length) => length > from && length <= upTo).length)
        from = upTo
      }
      expect(census.histogram.reduce((sum, bucket) => sum + bucket.rows, 0)).toBe(10)
    }
    expect(cut.documents.at(-1)?.ids).toEqual([...all[9]!.ids.subarray(0, maxLength)])
  })

  it('is an error where no document is left', async () => {
    const split = await encodeSplit(options(rows, { maxLength: 10 }))
    await expect(split.census).rejects.toThrow(/none of the 10 rows is left.*10 have no token to learn/)
    await expect(split.window(0)).rejects.toThrow(InputError)
    await split.close()
  })
})

describe('a row that cannot be used', () => {
  const fails = async (rows: readonly Row[], more: Partial<SplitOptions> = {}) => {
    const split = await encodeSplit(options(rows, more))
    const [window, census] = await Promise.allSettled([split.window(0), split.census])
    await split.close()
    expect(window.status).toBe('rejected')
    expect((census as PromiseRejectedResult).reason).toBe((window as PromiseRejectedResult).reason)
    return (window as PromiseRejectedResult).reason as Error
  }

  it('is named when over_length is error, from this thread and from a worker', async () => {
    const rows = questions(100)
    rows[70] = { q: 'long', a: 'z'.repeat(500) }
    for (const workers of [0, 1]) {
      const error = await fails(rows, { overLength: 'error', maxLength: 200, workers })
      expect(error).toBeInstanceOf(InputError)
      expect(error.message).toMatch(
        /row 71 of the data set has 5\d\d tokens, \d+ more than train.max_length allows \(200\)/,
      )
    }
  })

  it('is named by its place in the data set, not in the split', async () => {
    const rows = questions(30).map((row, i) => (i === 29 ? { q: null, a: 'x' } : row))
    const dataset = heldOut(datasetOf(rows), { holdout: 5, seed: 3 })
    const attempt = async () => {
      for (const split of ['train', 'holdout'] as const)
        await (await encodeSplit({ ...options([]), dataset, split })).close()
    }
    await expect(attempt()).rejects.toThrow('row 30 of the data set has no value (null) in column "q"')
  })

  it('is named when it holds a token that the model has no embedding for', async () => {
    const error = await fails(questions(3), { vocabSize: 200 })
    expect(error.message).toMatch(
      /row 1 of the data set: holds ".+", token \d+, for which the model has no embedding/,
    )
  })

  it('fails window and census alike when the worker cannot open the tokenizer', async () => {
    const folder = tempFolder()
    await writeTinyTokenizer(folder)
    await writeFile(join(folder, 'tokenizer.json'), '{"model":{"vocab":{}}}')
    const error = await fails(questions(80), { tokenizer: folder, workers: 1 })
    expect(error).toBeInstanceOf(InputError)
    expect(error.message).toContain('this tokenizer cannot be used')
  })
})

describe('the cache', () => {
  const filesOf = async (cacheDir: string) => {
    const [key] = await readdir(cacheDir)
    return (await readdir(join(cacheDir, key!))).sort().map((name) => join(cacheDir, key!, name))
  }

  it('gives what was fresh, also after any damage, and is mended', async () => {
    const cacheDir = tempFolder()
    const rows = questions(1010)
    const again = async () =>
      JSON.stringify(await drain(await encodeSplit(options(rows, { cacheDir, workers: 0 }))))
    const fresh = await again()
    const files = await filesOf(cacheDir)
    expect(files).toHaveLength(2)
    const whole = await Promise.all(files.map((file) => readFile(file)))
    expect((await again()) === fresh).toBe(true)
    const flipped = Buffer.from(whole[1]!)
    flipped[flipped.length - 20]! ^= 1
    const damages = [
      () => truncate(files[1]!, 1000),
      () => writeFile(files[1]!, ''),
      () => writeFile(files[1]!, 'null\n'),
      () => writeFile(files[1]!, flipped),
      () => writeFile(files[1]!, `{"documents":1000000000000,"tokens":1}\n`),
    ]
    for (const damage of damages) {
      await damage()
      expect((await again()) === fresh).toBe(true)
      const mended = await Promise.all(files.map((file) => readFile(file)))
      expect(mended.map((bytes, i) => bytes.equals(whole[i]!))).toEqual([true, true])
    }
  })

  it('is keyed by rows, policy, seed and tokenizer', async () => {
    const cacheDir = tempFolder()
    const rows = questions(20)
    const keysAfter = async (more: Partial<SplitOptions>, from = rows) => {
      await drain(await encodeSplit(options(from, { cacheDir, ...more })))
      return (await readdir(cacheDir)).length
    }
    expect(await keysAfter({})).toBe(1)
    expect(await keysAfter({ seed: 7 })).toBe(1)
    expect(await keysAfter({ maxLength: 500 })).toBe(2)
    expect(await keysAfter({ overLength: 'drop' })).toBe(3)
    expect(await keysAfter({}, [...rows.slice(1), { q: 'x', a: 'y' }])).toBe(4)
    const other = tempFolder()
    await writeTinyTokenizer(other)
    await writeFile(join(other, 'tokenizer_config.json'), '{"bos_token":"<bos>"}')
    expect(await keysAfter({ tokenizer: other })).toBe(5)
  })

  it('does without a folder that cannot be written', async () => {
    const file = join(tempFolder(), 'taken')
    await writeFile(file, 'a file where the folder should be')
    const { census } = await drain(await encodeSplit(options(questions(20), { cacheDir: file })))
    expect(census.documents).toBe(20)
  })
})
