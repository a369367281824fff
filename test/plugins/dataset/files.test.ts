import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { describe, expect, it } from 'vitest'
import csv from '../../../plugins/dataset/csv.ts'
import json from '../../../plugins/dataset/json.ts'
import jsonl from '../../../plugins/dataset/jsonl.ts'
import parquet from '../../../plugins/dataset/parquet.ts'
import { InputError, type Row } from '../../../src/plugin/contract.ts'
import { collect, context } from '../../data/rows.ts'
import { tempFolder } from '../../helpers/temp.ts'

const folder = tempFolder()
const plugins = { csv, json, jsonl, parquet }

async function open(kind: keyof typeof plugins, path: string) {
  return plugins[kind].create(
    { path, delimiter: ',' },
    { ...context, resolvePath: (path) => join(folder, path) },
  )
}

async function read(kind: keyof typeof plugins, name: string, content: string | Uint8Array): Promise<Row[]> {
  await writeFile(join(folder, name), content)
  const dataset = await open(kind, name)
  const rows = await collect(dataset.read('train'))
  expect(await collect(dataset.read('train'))).toEqual(rows)
  return rows
}

describe('jsonl', () => {
  it('reads a row a line, with a byte order mark, blank lines and no last newline', async () => {
    const text = '\ufeff{"a":1}\r\n\n  \n{"a":"\u2028é😀"}\n{"a":null}'
    expect(await read('jsonl', 'good.jsonl', text)).toEqual([{ a: 1 }, { a: '\u2028é😀' }, { a: null }])
  })

  it('reads lines across chunks, and gzip', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => ({ i, text: 'ü😀'.repeat(20) }))
    const text = rows.map((row) => JSON.stringify(row)).join('\n')
    expect(await read('jsonl', 'many.jsonl', text)).toEqual(rows)
    expect(await read('jsonl', 'many.jsonl.gz', gzipSync(text))).toEqual(rows)
  })

  it.each([
    ['{"a":1}\n\n{"a":\n', /bad\.jsonl:3: is not valid JSON .* begins "\{\\"a\\":"/],
    ['{"a":1}\n[1,2]\n', /bad\.jsonl:2: a row must be an object of columns, not "\[1,2\]"/],
    ['"text"\n', /bad\.jsonl:1: a row must be an object/],
    ['\n \n', /bad\.jsonl: holds no rows/],
    ['', /holds no rows/],
    [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /is not UTF-8/],
  ])('names file and line of %j', async (content, message) => {
    await expect(read('jsonl', 'bad.jsonl', content)).rejects.toThrow(message)
    await expect(read('jsonl', 'bad.jsonl', content)).rejects.toBeInstanceOf(InputError)
  })

  it('says that gzip data is cut off', async () => {
    const whole = gzipSync('{"a":1}\n'.repeat(1000))
    await expect(read('jsonl', 'cut.jsonl.gz', whole.subarray(0, 30))).rejects.toThrow(/damaged gzip/)
  })

  it('finds the file at once, or the nearest name', async () => {
    await writeFile(join(folder, 'medical.jsonl'), '{}')
    await mkdir(join(folder, 'sub'), { recursive: true })
    await writeFile(join(folder, 'sub', 'part.jsonl'), '{}')
    await expect(open('jsonl', 'medcial.jsonl')).rejects.toThrow(
      /no such file: .*medcial\.jsonl; did you mean "medical\.jsonl"/,
    )
    await expect(open('jsonl', 'none/x.jsonl')).rejects.toThrow(/there is no folder .*none either/)
    await expect(open('jsonl', 'sub')).rejects.toThrow(/is a folder; name a file in it, such as part\.jsonl/)
    await expect(open('jsonl', 'medcial.jsonl')).rejects.toMatchObject({ name: 'OptionError', path: 'path' })
  })
})

describe('json', () => {
  it('has the rows of an object in the order of the file, also where keys are numbers', async () => {
    const text =
      '{"30": {"a": {"1": "x", "}": "\\"{"}}, "4": {"a": ["7", ":"]}, "b": {"a": 2}, "\\u0032": {"a": "30"}}'
    expect(await read('json', 'keyed.json', text)).toEqual([
      { id: '30', a: { 1: 'x', '}': '"{' } },
      { id: '4', a: ['7', ':'] },
      { id: 'b', a: 2 },
      { id: '2', a: '30' },
    ])
    // A text of a million escapes, one that ends in a backslash, and a colon far away.
    const long = 'a\n'.repeat(1e6)
    const wide = `{"9": {"a": ${JSON.stringify(long)}}, "8": {"a": "\\\\"}, "7"${' '.repeat(99)}: {"a": "\\""}}`
    expect(await read('json', 'wide.json', wide)).toEqual([
      { id: '9', a: long },
      { id: '8', a: '\\' },
      { id: '7', a: '"' },
    ])
  })

  it('reads an array of objects', async () => {
    expect(await read('json', 'good.json', '\ufeff[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }])
  })

  it.each([
    ['{"data":[]}', /must hold an array of objects, not "\{\\"data\\":\[\]\}"/],
    ['[{"a":1},2]', /item 2: a row must be an object/],
    ['[\n{"a":1},\n{"a":2"b"}]', /bad\.json:3: is not valid JSON \(Expected ',' or '\}'/],
    ['[\n{"a":1},\n{"a":}]', /bad\.json: is not valid JSON \(Unexpected token '\}', "\[ \{"a":1\}/],
    ['{"a":1}\n{"a":2}\n', /looks like JSON Lines: use dataset\.use=jsonl/],
    ['[]', /holds no rows/],
    ['', /holds no rows/],
  ])('says what is wrong with %j', async (content, message) => {
    await expect(read('json', 'bad.json', content)).rejects.toThrow(message)
    await expect(read('json', 'bad.json', content)).rejects.toBeInstanceOf(InputError)
  })
})

describe('csv', () => {
  it('reads quotes, newlines in values and a byte order mark', async () => {
    const rows = await read('csv', 'good.csv', '\ufeffq,a\r\n"x, ""y""\nz",1\r\n\r\né,\r\n')
    expect(rows).toEqual([
      { q: 'x, "y"\nz', a: '1' },
      { q: 'é', a: '' },
    ])
  })

  it.each([
    ['q,a\n1,2\n3\n', /bad\.csv:3: record 2 is not valid CSV/],
    ['q,a\n1,"2\n', /record 1 is not valid CSV/],
    ['q,q\n1,2\n', /two columns are called "q"/],
    ['q,\n1,2\n', /column 2 of the header has no name/],
    ['q,a\n', /holds no rows/],
    ['', /holds no rows/],
  ])('says what is wrong with %j', async (content, message) => {
    await expect(read('csv', 'bad.csv', content)).rejects.toThrow(message)
    await expect(read('csv', 'bad.csv', content)).rejects.toBeInstanceOf(InputError)
  })
})

describe('parquet', () => {
  const write = (count: number) =>
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'q', data: Array.from({ length: count }, (_, i) => `question ${i} é`), type: 'STRING' },
          { name: 'n', data: Array.from({ length: count }, (_, i) => i), type: 'INT32' },
        ],
        rowGroupSize: 7,
      }),
    )

  it('reads across row groups', async () => {
    const rows = await read('parquet', 'good.parquet', write(20))
    expect(rows).toEqual(Array.from({ length: 20 }, (_, i) => ({ q: `question ${i} é`, n: i })))
  })

  it('names a damaged or empty file', async () => {
    const whole = write(2000)
    for (const content of [whole.subarray(0, 4000), Buffer.from('no parquet at all'), new Uint8Array()]) {
      await expect(read('parquet', 'bad.parquet', content)).rejects.toThrow(
        /bad\.parquet: is not a readable Parquet file/,
      )
      await expect(read('parquet', 'bad.parquet', content)).rejects.toBeInstanceOf(InputError)
    }
    const garbled = Uint8Array.from(whole)
    garbled.fill(0xff, 4, 600)
    await expect(read('parquet', 'bad.parquet', garbled)).rejects.toBeInstanceOf(InputError)
    await expect(read('parquet', 'none.parquet', write(0))).rejects.toThrow(/holds no rows/)
  })
})
