import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import jsonl from '../../../plugins/dataset/jsonl.ts'
import mix from '../../../plugins/dataset/mix.ts'
import { heldOut } from '../../../src/data/index.ts'
import { type Dataset, InputError, OptionError, type Row } from '../../../src/plugin/contract.ts'
import { collect, context } from '../../data/rows.ts'
import { type FakeHub, startFakeHub } from '../../helpers/fake-hub.ts'
import { tempFolder } from '../../helpers/temp.ts'

let folder: string
beforeEach(() => {
  folder = tempFolder()
})

const rows = (name: string, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: `${name}${i}` }))
function file(name: string, list: readonly Row[]): string {
  const path = join(folder, name)
  const csv = ['id', ...list.map(({ id }) => id)].join('\n')
  writeFileSync(path, name.endsWith('.csv') ? csv : JSON.stringify(list))
  return path
}
const ids = (list: readonly Row[]) => list.map(({ id }) => String(id))
const options = { holdout: 0, seed: 1 }
const mixed = (sources: Parameters<typeof mix.create>[0]['sources'], validation?: string) =>
  mix.create({ sources, ...(validation === undefined ? {} : { validation }) }, context) as Promise<Dataset>

describe('mix', () => {
  it('takes all rows of every source, whatever its kind', async () => {
    const dataset = await mixed([
      { path: file('a.json', rows('a', 3)) },
      { path: file('b.csv', rows('b', 2)) },
    ])
    expect(ids(await collect(dataset.read('train')))).toEqual(['a0', 'a1', 'a2', 'b0', 'b1'])
  })

  it('repeats and thins by weight, the same for a seed', async () => {
    const [a, b] = [file('a.json', rows('a', 1000)), file('b.json', rows('b', 10))]
    const dataset = await mixed([
      { path: a, weight: 0.25 },
      { path: b, weight: 2.5 },
    ])
    const read = async () => ids(await collect(heldOut(dataset, options).read('train')))
    const first = await read()
    const of = (name: string) => first.filter((id) => id.startsWith(name))
    expect(of('a').length).toBeGreaterThan(200)
    expect(of('a').length).toBeLessThan(300)
    expect(new Set(of('a')).size).toBe(of('a').length)
    const counts = [...new Set(of('b'))].map((id) => of('b').filter((other) => other === id).length)
    expect(new Set(counts)).toEqual(new Set([2, 3]))
    expect(counts).toHaveLength(10)
    expect(await read()).toEqual(first)
  })

  it('never trains on a copy of a row that is held out', async () => {
    const dataset = await mixed([{ path: file('a.json', rows('a', 40)), weight: 3 }])
    const cut = heldOut(dataset, { holdout: 10, seed: 7 })
    const [train, holdout] = await Promise.all([collect(cut.read('train')), collect(cut.read('holdout'))])
    expect([train.length, holdout.length]).toEqual([90, 10])
    expect(ids(train).filter((id) => ids(holdout).includes(id))).toEqual([])
  })

  it.each<[() => Promise<unknown>, string, RegExp]>([
    [() => mixed([{}]), 'sources.0', /needs path or repo/],
    [() => mixed([{ path: file('a.json', []), repo: 'a/b' }]), 'sources.0', /one of them/],
    [() => mixed([{ path: file('a.json', []), split: 'x' }]), 'sources.0.split', /belongs to repo/],
    [() => mixed([{ path: file('a.json', []) }, { path: '/none' }]), 'sources.1.path', /no such file/],
    [() => mixed([{ path: file('a.txt', []) }]), 'sources.0.path', /by its name/],
  ])('refuses %#', async (attempt, path, message) => {
    const error = await attempt().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(OptionError)
    expect(error).toMatchObject({ path, message: expect.stringMatching(message) })
  })

  it('names an empty source', async () => {
    const dataset = await mixed([{ path: file('a.json', []) }])
    await expect(collect(dataset.read('train'))).rejects.toThrow(InputError)
  })
})

describe('a validation file of its own', () => {
  it('is the holdout, all of it', async () => {
    const lines = (list: readonly Row[]) => list.map((row) => JSON.stringify(row)).join('\n')
    writeFileSync(join(folder, 'train.jsonl'), lines(rows('t', 5)))
    writeFileSync(join(folder, 'own.jsonl'), lines(rows('v', 3)))
    const path = join(folder, 'train.jsonl')
    const dataset = (await jsonl.create({ path, validation: join(folder, 'own.jsonl') }, context)) as Dataset
    const cut = heldOut(dataset, { ...options, limit: 4 })
    expect(ids(await collect(cut.read('train')))).toEqual(['t0', 't1', 't2', 't3'])
    expect(ids(await collect(cut.read('holdout')))).toEqual(['v0', 'v1', 'v2'])
    await expect(collect(heldOut(dataset, { holdout: 2, seed: 1 }).read('train'))).rejects.toThrow(
      /beside those of dataset\.validation; leave one out/,
    )
    await expect(jsonl.create({ path, validation: path }, context)).rejects.toThrow(/is what is trained on/)
  })

  it('goes with mix', async () => {
    const dataset = await mixed([{ path: file('a.json', rows('a', 3)) }], file('v.csv', rows('v', 2)))
    expect(ids(await collect(heldOut(dataset, options).read('holdout')))).toEqual(['v0', 'v1'])
  })
})

describe('from the Hub', () => {
  let hub: FakeHub
  beforeEach(async () => {
    hub = await startFakeHub('org/repo')
    vi.stubEnv('HF_ENDPOINT', hub.url)
    vi.stubEnv('HF_HUB_CACHE', join(folder, 'hub'))
    vi.stubEnv('HF_TOKEN', '')
    for (const split of ['train', 'test']) {
      const list = rows(split, 20).map((row) => JSON.stringify(row))
      hub.files.set(`${split}.jsonl`, { content: Buffer.from(list.join('\n')) })
    }
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await hub.close()
  })

  it('a source is sliced and mixed with a file', async () => {
    const dataset = await mixed([
      { repo: 'org/repo', split: 'train[10%:20%]' },
      { path: file('a.json', rows('a', 1)) },
    ])
    expect(ids(await collect(dataset.read('train')))).toEqual(['train2', 'train3', 'a0'])
    expect(hub.requests.some(({ path }) => path.endsWith('test.jsonl'))).toBe(false)
  })

  it('a split that was not downloaded is told without network', async () => {
    await collect((await mixed([{ repo: 'org/repo' }])).read('train'))
    vi.stubEnv('MEDTUNE_OFFLINE', '1')
    expect(await collect((await mixed([{ repo: 'org/repo' }])).read('train'))).toHaveLength(20)
    const test = (await mixed([{ repo: 'org/repo', split: 'test' }])).read('train')
    await expect(collect(test)).rejects.toThrow(
      /no files fit .*split "test".*Without network only the cache is known/,
    )
  })

  it('another split is the validation', async () => {
    const { default: plugin } = await import('../../../plugins/dataset/hub.ts')
    const create = { repo: 'org/repo', split: 'train', validation: 'test[-2:]' }
    const dataset = heldOut((await plugin.create(create, context)) as Dataset, options)
    expect(ids(await collect(dataset.read('holdout')))).toEqual(['test18', 'test19'])
    expect(await collect(dataset.read('train'))).toHaveLength(20)
  })
})
