import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import hubDataset from '../../../plugins/dataset/hub.ts'
import { chooseFiles } from '../../../plugins/dataset/hub-files.ts'
import { InputError } from '../../../src/plugin/contract.ts'
import { collect, context } from '../../data/rows.ts'
import { type FakeHub, startFakeHub } from '../../helpers/fake-hub.ts'
import { tempFolder } from '../../helpers/temp.ts'

describe('chooseFiles', () => {
  const choose = (names: string[], config?: string, split = 'train', card?: string) =>
    chooseFiles('org/repo', names, card, { config, split })

  it.each([
    [
      ['en/train-00000-of-00001.parquet', 'zh/train-00000-of-00001.parquet'],
      'en',
      'train',
      ['en/train-00000-of-00001.parquet'],
    ],
    [
      ['data/train-00000-of-00001.parquet', 'data/test-00000-of-00001.parquet'],
      undefined,
      'test',
      ['data/test-00000-of-00001.parquet'],
    ],
    [['train.jsonl', 'train.csv', 'README.md'], undefined, 'train', ['train.jsonl']],
    [['facts.json', 'LICENSE'], undefined, 'train', ['facts.json']],
    [['en.jsonl', 'zh.jsonl'], 'zh', 'train', ['zh.jsonl']],
    [['b.csv', 'a.csv'], undefined, 'train', ['a.csv', 'b.csv']],
    [['data/train/x.jsonl.gz', 'data/dev/x.jsonl.gz'], undefined, 'train', ['data/train/x.jsonl.gz']],
  ])('goes by names: %j', (names, config, split, expected) => {
    expect(choose(names, config, split)).toEqual(expected)
  })

  const card = `---
license: apache-2.0
configs:
- config_name: en
  data_files: medical_sft.json
- config_name: zh
  data_files:
  - split: train
    path: zh/*.json
  - split: test
    path: ["test/**"]
---
# Card`
  const names = ['medical_sft.json', 'zh/1.json', 'zh/2.json', 'zh/deep/3.json', 'test/a/b.json', 'README.md']

  it('goes by the card where it has configurations', () => {
    expect(choose(names, 'en', 'train', card)).toEqual(['medical_sft.json'])
    expect(choose(names, 'zh', 'train', card)).toEqual(['zh/1.json', 'zh/2.json'])
    expect(choose(names, 'zh', 'test', card)).toEqual(['test/a/b.json'])
  })

  it.each([
    [
      () => choose(names, undefined, 'train', card),
      /several configurations; choose with dataset\.config: en, zh/,
    ],
    [() => choose(names, 'fr', 'train', card), /no configuration "fr": en, zh/],
    [() => choose(names, 'en', 'test', card), /no split "test"; it has: train/],
    [() => choose(['a.txt']), /no parquet, jsonl, json or csv files/],
    [() => choose(['a.csv'], undefined, 'test'), /no files fit split "test"; its data files: a\.csv/],
    [() => choose(['train-00000-of-00002.parquet']), /only 1 of the 2 files train-\*-of-00002\.parquet/],
  ])('says what there is instead (%#)', (attempt, message) => {
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(InputError)
  })
})

describe('the hub data set', () => {
  let hub: FakeHub
  beforeEach(async () => {
    hub = await startFakeHub('org/repo')
    vi.stubEnv('HF_ENDPOINT', hub.url)
    vi.stubEnv('HF_HUB_CACHE', tempFolder())
    vi.stubEnv('HF_TOKEN', '')
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await hub.close()
  })
  const put = (name: string, content: string | Uint8Array) =>
    hub.files.set(name, { content: Buffer.from(content) })
  const read = async (config?: string) => {
    const options = { repo: 'org/repo', split: 'train', ...(config === undefined ? {} : { config }) }
    return collect((await hubDataset.create(options, context)).read('train'))
  }

  it('reads parquet in several files, in order', async () => {
    const part = (first: number) =>
      new Uint8Array(
        parquetWriteBuffer({ columnData: [{ name: 'n', data: [first, first + 1], type: 'INT32' }] }),
      )
    put('en/train-00001-of-00002.parquet', part(2))
    put('en/train-00000-of-00002.parquet', part(0))
    put('zh/train-00000-of-00001.parquet', part(9))
    expect(await read('en')).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }])
  })

  it('reads .json both as an array and as JSON Lines, by the card', async () => {
    put(
      'README.md',
      '---\nconfigs:\n- config_name: a\n  data_files: a.json\n- config_name: b\n  data_files: b.json\n---\n',
    )
    put('a.json', ' [{"x":1}]')
    put('b.json', '{"x":2}\n{"x":3}\n')
    expect(await read('a')).toEqual([{ x: 1 }])
    expect(await read('b')).toEqual([{ x: 2 }, { x: 3 }])
  })

  it('downloads once for both splits, and not before it is read', async () => {
    put('train.jsonl', '{"x":1}\n')
    const dataset = await hubDataset.create({ repo: 'org/repo', split: 'train' }, context)
    expect(hub.requests).toHaveLength(0)
    await collect(dataset.read('train'))
    const asked = hub.requests.length
    await collect(dataset.read('train'))
    expect(hub.requests).toHaveLength(asked)
  })

  it('says how to go on without network', async () => {
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9')
    await expect(read()).rejects.toThrow(
      /download the file elsewhere and use dataset\.use=jsonl dataset\.path=/,
    )
  })
})
