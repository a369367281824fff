import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openCheckpoint, readSafetensors, readTensor, writeSafetensors } from '../../src/nn/index.ts'
import { InputError } from '../../src/plugin/contract.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'medtune-safetensors-')))
afterAll(() => rmSync(root, { recursive: true }))

let counter = 0
const fresh = (): string => join(root, `${counter++}.safetensors`)

/** A file with the given header text and number of data bytes. */
function fileOf(header: string | Buffer, dataBytes = 0, length?: bigint): string {
  const text = Buffer.from(header)
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(length ?? BigInt(text.length))
  const file = fresh()
  writeFileSync(file, Buffer.concat([size, text, Buffer.alloc(dataBytes)]))
  return file
}

/** A file of just this text. */
function rawFile(text: string): string {
  const file = fresh()
  writeFileSync(file, text)
  return file
}

const tensorEntry = (dtype: unknown, shape: unknown, offsets: unknown): object => ({
  dtype,
  shape,
  data_offsets: offsets,
})
const header = (tensors: object): string => JSON.stringify(tensors)

function messageOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

describe('a damaged or hostile file', () => {
  const f32 = (n: number, begin: number): object => tensorEntry('F32', [n], [begin, begin + 4 * n])
  const cases: [string, () => string, RegExp][] = [
    ['is missing', () => join(root, 'nowhere.safetensors'), /no such file/],
    ['is a folder', () => root, /no such file/],
    ['is empty', () => rawFile(''), /truncated: 0 bytes/],
    ['ends inside the length', () => rawFile('abcde'), /truncated: 5 bytes/],
    [
      'ends inside the header',
      () => fileOf('{"a":', 0, 500n),
      /truncated: its header should take 500 bytes, the file has 5 /,
    ],
    [
      'claims a huge header',
      () => fileOf('{}', 0, 0xffff_ffff_ffff_ffffn),
      /header of 18446744073709551615 bytes/,
    ],
    ['claims a header over the cap', () => fileOf('{}', 0, 100_000_001n), /at most 100000000/],
    [
      'is a Git LFS pointer',
      () => rawFile('version https://git-lfs.github.com/spec/v1\n'),
      /Git LFS pointer/,
    ],
    ['has a header that is not UTF-8', () => fileOf(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), /not UTF-8/],
    ['has a header that is not JSON', () => fileOf('{"a": }'), /not JSON/],
    ['has a list for a header', () => fileOf('[1, 2]'), /starts with "\[1, 2\]"/],
    ['has white space before the header', () => fileOf('  {}'), /not with "\{"/],
    [
      'ends early',
      () => fileOf(header({ a: f32(4, 0) }), 12),
      /truncated: its header says \d+ bytes, the file has \d+; download it again/,
    ],
    [
      'is longer than its tensors',
      () => fileOf(header({ a: f32(4, 0) }), 20),
      /4 bytes behind the last tensor/,
    ],
    [
      'overlaps',
      () => fileOf(header({ a: f32(4, 0), b: f32(4, 8) }), 24),
      /"b" starts at data byte 8 and overlaps tensor "a", which ends at 16/,
    ],
    ['reuses the same bytes', () => fileOf(header({ a: f32(4, 0), b: f32(4, 0) }), 16), /overlaps/],
    [
      'has a hole',
      () => fileOf(header({ a: f32(1, 0), b: f32(1, 8) }), 12),
      /4 data bytes between tensor "a" and tensor "b"/,
    ],
    [
      'has a hole at the start',
      () => fileOf(header({ a: f32(1, 4) }), 8),
      /4 data bytes between the header and tensor "a"/,
    ],
    [
      'has an unknown dtype',
      () => fileOf(header({ a: tensorEntry('Q9', [1], [0, 4]) }), 4),
      /"a": unknown dtype "Q9"/,
    ],
    [
      'has a number for a dtype',
      () => fileOf(header({ a: tensorEntry(32, [1], [0, 4]) }), 4),
      /unknown dtype 32/,
    ],
    [
      'has a shape that its bytes do not fit',
      () => fileOf(header({ a: tensorEntry('F32', [3], [0, 16]) }), 16),
      /"a": shape \[3\] of F32 needs 12 bytes, data_offsets \[0,16\] span 16/,
    ],
    [
      'has a shape that overflows',
      () => fileOf(header({ a: tensorEntry('F32', [2 ** 40, 2 ** 40], [0, 0]) }), 0),
      /needs .* bytes, data_offsets \[0,0\] span 0/,
    ],
    [
      'has a negative size',
      () => fileOf(header({ a: tensorEntry('F32', [-1], [0, 4]) }), 4),
      /shape \[-1\] is not a list of sizes/,
    ],
    [
      'has a broken size',
      () => fileOf(header({ a: tensorEntry('F32', [0.5], [0, 2]) }), 2),
      /shape \[0\.5\]/,
    ],
    [
      'has no shape',
      () => fileOf(header({ a: { dtype: 'F32', data_offsets: [0, 4] } }), 4),
      /shape undefined/,
    ],
    ['has offsets backwards', () => fileOf(header({ a: tensorEntry('F32', [1], [4, 0]) }), 4), /span -4/],
    [
      'has offsets beyond exact numbers',
      () => fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[9007199254740993,9007199254740997]}}', 4),
      /are not two byte offsets/,
    ],
    [
      'has one offset',
      () => fileOf(header({ a: tensorEntry('F32', [1], [0]) }), 4),
      /are not two byte offsets/,
    ],
    [
      'has a tensor twice',
      () =>
        fileOf(
          '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
          4,
        ),
      /key "a" twice/,
    ],
    [
      'has an offset twice',
      () => fileOf('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      /key "dtype" twice/,
    ],
    ['has a tensor that is no object', () => fileOf(header({ a: [1] })), /"a": its entry is not an object/],
    [
      'has metadata that is no object',
      () => fileOf(header({ __metadata__: 'x' })),
      /__metadata__ is not an object/,
    ],
    [
      'has metadata that is no text',
      () => fileOf(header({ __metadata__: { epochs: 3 } })),
      /"epochs" is not a string/,
    ],
  ]
  it.each(cases)('that %s is refused by name', (_, make, pattern) => {
    const file = make()
    const message = messageOf(() => readSafetensors(file))
    expect(message).toMatch(pattern)
    expect(message.startsWith(file)).toBe(true)
  })

  it('does not reach the prototype of objects', () => {
    const file = fileOf('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4)
    expect([...readSafetensors(file).tensors.keys()]).toEqual(['__proto__'])
    expect(({} as Record<string, unknown>).dtype).toBeUndefined()
  })

  it('is refused wherever it is cut off', async () => {
    const file = fresh()
    await writeSafetensors(file, [{ name: 'a', dtype: 'f32', shape: [3], data: Float32Array.of(1, 2, 3) }])
    const whole = readFileSync(file)
    for (let size = whole.length - 1; size >= 0; size--) {
      truncateSync(file, size)
      expect(messageOf(() => readSafetensors(file))).toMatch(/truncated/)
    }
  })
})

describe('a sound file', () => {
  it('may hold tensors of other types, which are no weights', () => {
    const file = fileOf(
      header({ a: tensorEntry('I64', [1], [0, 8]), b: tensorEntry('F16', [2], [8, 12]) }),
      12,
    )
    const { tensors, others } = readSafetensors(file)
    expect([...others]).toEqual([['a', 'I64']])
    expect(tensors.get('b')).toMatchObject({ dtype: 'f16', shape: [2], file })
  })

  it('may hold scalars, empty tensors and nothing at all', () => {
    expect(readSafetensors(fileOf('{}')).tensors.size).toBe(0)
    const file = fileOf(
      header({ s: tensorEntry('F32', [], [0, 4]), e: tensorEntry('F32', [0, 7], [4, 4]) }),
      4,
    )
    expect([...readSafetensors(file).tensors.keys()].sort()).toEqual(['e', 's'])
  })

  it('is named by its real path, whatever link leads to it', async () => {
    const file = fresh()
    await writeSafetensors(file, [{ name: 'a', dtype: 'f32', shape: [1], data: Float32Array.of(7) }])
    const link = join(root, 'link.safetensors')
    symlinkSync(file, link)
    expect(readSafetensors(link).tensors.get('a')!.file).toBe(file)
  })

  it('gives half-precision values exactly', async () => {
    const patterns = [
      0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0xc000, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x3555,
    ]
    const values = [
      0,
      -0,
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      1,
      -2,
      65504,
      Infinity,
      -Infinity,
      Number.NaN,
      0.333251953125,
    ]
    const text = header({ h: tensorEntry('F16', [patterns.length], [0, 2 * patterns.length]) })
    const file = fileOf(text, 0)
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from(Uint16Array.from(patterns).buffer)]))
    const read = await readTensor(readSafetensors(file).tensors.get('h')!)
    expect(Array.from(read)).toEqual(values)
  })

  it('says where a file ended that was cut after its header was read', async () => {
    const file = fresh()
    await writeSafetensors(file, [{ name: 'x', dtype: 'f32', shape: [4], data: new Float32Array(4) }])
    const slice = readSafetensors(file).tensors.get('x')!
    truncateSync(file, slice.offset + 10)
    await expect(readTensor(slice)).rejects.toThrow(
      `${file}: ends at byte ${slice.offset + 10}, 6 bytes too early`,
    )
  })
})

describe('writing', () => {
  it('comes back value for value, with its metadata', async () => {
    const file = fresh()
    const large = new Float32Array((1 << 20) + 5).map((_, i) => Math.sin(i))
    await writeSafetensors(
      file,
      [
        { name: 'small', dtype: 'bf16', shape: [3], data: Float32Array.of(1, -2.5, 0) },
        { name: 'large', dtype: 'f32', shape: [large.length], data: async () => large },
      ],
      { format: 'pt' },
    )
    const { tensors, metadata } = readSafetensors(file)
    expect([...metadata]).toEqual([['format', 'pt']])
    const back = await readTensor(tensors.get('large')!)
    expect(Buffer.from(back.buffer).equals(Buffer.from(large.buffer))).toBe(true)
    expect(Array.from(await readTensor(tensors.get('small')!))).toEqual([1, -2.5, 0])
    for (const { offset } of tensors.values()) expect(offset % 4).toBe(0)
  })

  it('rounds bf16 to nearest, ties to even, and keeps NaN a NaN', async () => {
    const bits = [
      0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x7f7fffff, 0x7f800001, 0xff800000, 0x80000001,
    ]
    const wanted = [0x3f80, 0x3f82, 0x3f81, 0x3f80, 0x7f80, 0x7fc0, 0xff80, 0x8000]
    const file = fresh()
    const data = new Float32Array(Uint32Array.from(bits).buffer)
    await writeSafetensors(file, [{ name: 'a', dtype: 'bf16', shape: [bits.length], data }])
    const { offset } = readSafetensors(file).tensors.get('a')!
    const stored = readFileSync(file).subarray(offset)
    expect(bits.map((_, i) => stored.readUInt16LE(2 * i))).toEqual(wanted)
  })

  it('gives equal bytes for equal content in any order', async () => {
    const tensors = ['b', 'a', 'c'].map((name, i) => ({
      name,
      dtype: 'f32' as const,
      shape: [1],
      data: Float32Array.of(i),
    }))
    const [one, two] = [fresh(), fresh()]
    await writeSafetensors(one, tensors)
    await writeSafetensors(two, tensors.toReversed())
    expect(readFileSync(one)).toEqual(readFileSync(two))
  })

  it('leaves the old file and no litter when it fails half way', async () => {
    const folder = mkdtempSync(join(root, 'half-'))
    const file = join(folder, 'adapter.safetensors')
    const good = { name: 'a', dtype: 'f32' as const, shape: [2], data: Float32Array.of(1, 2) }
    await writeSafetensors(file, [good])
    const before = readFileSync(file)
    const lost = { ...good, name: 'b', data: () => Promise.reject(new Error('the worker is gone')) }
    await expect(writeSafetensors(file, [good, lost])).rejects.toThrow(
      /adapter\.safetensors: the worker is gone/,
    )
    await expect(writeSafetensors(file, [{ ...good, shape: [3] }])).rejects.toThrow(
      /is \[3\] but got 2 values/,
    )
    await expect(writeSafetensors(file, [good, good])).rejects.toThrow(/two tensors are named "a"/)
    expect(readFileSync(file)).toEqual(before)
    expect(readdirSync(folder)).toEqual(['adapter.safetensors'])
  })
})

describe('the weights of a folder', () => {
  const folderWith = async (files: Record<string, string | readonly string[]>): Promise<string> => {
    const folder = mkdtempSync(join(root, 'model-'))
    for (const [name, content] of Object.entries(files)) {
      if (typeof content === 'string') writeFileSync(join(folder, name), content)
      else {
        const tensors = content.map((tensor) => ({
          name: tensor,
          dtype: 'f32' as const,
          shape: [1],
          data: new Float32Array(1),
        }))
        await writeSafetensors(join(folder, name), tensors)
      }
    }
    return folder
  }
  const index = (map: unknown): string => JSON.stringify({ metadata: { total_size: 8 }, weight_map: map })

  it('may lie in shards', async () => {
    const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
    const folder = await folderWith({
      [first]: ['a'],
      [second]: ['b'],
      'model.safetensors.index.json': index({ a: first, b: second }),
    })
    const { tensors } = openCheckpoint(folder)
    expect(tensors.get('a')!.file).toBe(join(folder, first))
    expect(tensors.get('b')!.file).toBe(join(folder, second))
  })

  it('may lie in shards that are links to different folders, which are linked into one', async () => {
    const cache = mkdtempSync(join(root, 'cache-'))
    vi.stubEnv('MEDTUNE_CACHE', cache)
    onTestFinished(() => void vi.unstubAllEnvs())
    const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']
    const apart = [await folderWith({ blob: ['a'] }), await folderWith({ blob: ['b'] })]
    const folder = await folderWith({
      'model.safetensors.index.json': index({ a: names[0], b: names[1] }),
    })
    for (const [i, name] of names.entries()) symlinkSync(join(apart[i]!, 'blob'), join(folder, name))
    const filesOf = () => ['a', 'b'].map((name) => openCheckpoint(folder).tensors.get(name)!.file)
    const first = filesOf()
    expect(new Set(first.map((file) => dirname(file))).size).toBe(1)
    expect(first.every((file) => file.startsWith(cache) && !lstatSync(file).isSymbolicLink())).toBe(true)
    expect(first.map((file) => statSync(file).ino)).toEqual(
      apart.map((place) => statSync(join(place, 'blob')).ino),
    )
    expect(filesOf()).toEqual(first)
    // A shard that was downloaded anew is linked anew.
    rmSync(join(apart[1]!, 'blob'))
    await writeSafetensors(join(apart[1]!, 'blob'), [
      { name: 'b', dtype: 'f32', shape: [1], data: Float32Array.of(7) },
    ])
    expect(filesOf()).toEqual(first)
    expect(await readTensor(openCheckpoint(folder).tensors.get('b')!)).toEqual(Float32Array.of(7))
    vi.stubEnv('MEDTUNE_CACHE', '/dev/null/nowhere')
    expect(messageOf(() => openCheckpoint(folder))).toMatch(/lie in different folders .*copy them into one/)
  })

  it.each([
    '../x.safetensors',
    '/etc/x.safetensors',
    'a\\x.safetensors',
    'C:x.safetensors',
    '..',
    '.hidden.safetensors',
    'x.bin',
    'sub/x.safetensors',
    'x\u0000.safetensors',
    '',
    7,
    null,
  ])('never leave it: shard name %j', async (name) => {
    const folder = await folderWith({ 'model.safetensors.index.json': index({ a: name }) })
    expect(messageOf(() => openCheckpoint(folder))).toMatch(/not a plain \.safetensors file name/)
  })

  it('must be all there', async () => {
    const shard = 'model-1.safetensors'
    const lost = await folderWith({ 'model.safetensors.index.json': index({ a: shard }) })
    expect(messageOf(() => openCheckpoint(lost))).toMatch(/model-1\.safetensors: no such file/)
    const lies = await folderWith({
      [shard]: ['a'],
      'model.safetensors.index.json': index({ a: shard, b: shard }),
    })
    expect(messageOf(() => openCheckpoint(lies))).toMatch(
      /"b" is in model-1\.safetensors, which has no such tensor/,
    )
    const broken = await folderWith({ 'model.safetensors.index.json': '{' })
    expect(messageOf(() => openCheckpoint(broken))).toMatch(/index\.json: not JSON/)
    const other = await folderWith({ 'model.safetensors.index.json': '[]' })
    expect(messageOf(() => openCheckpoint(other))).toMatch(/no "weight_map"/)
    expect(messageOf(() => openCheckpoint(root))).toMatch(/neither model\.safetensors nor/)
    const pickle = await folderWith({ 'pytorch_model.bin': 'x' })
    expect(messageOf(() => openCheckpoint(pickle))).toMatch(/a pickle, which can run code/)
  })
})
