/**
 * @file The header of a safetensors file, checked in full before a byte of data is believed. Files come
 * from strangers: every size and offset is tested against the file, and the data must be covered exactly.
 */
import type { WeightSlice } from '../plugin/contract.ts'
import { duplicateKey } from '../util/duplicate-key.ts'
import { InputError } from '../util/errors.ts'

/** Bits a value, for every dtype the format knows. */
const BITS: ReadonlyMap<string, number> = new Map([
  ...['F4'].map((name) => [name, 4] as const),
  ...['F6_E2M3', 'F6_E3M2'].map((name) => [name, 6] as const),
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0'].map((name) => [name, 8] as const),
  ...['U16', 'I16', 'F16', 'BF16'].map((name) => [name, 16] as const),
  ...['U32', 'I32', 'F32'].map((name) => [name, 32] as const),
  ...['U64', 'I64', 'F64', 'C64'].map((name) => [name, 64] as const),
])

const WEIGHT_DTYPES: ReadonlyMap<string, WeightSlice['dtype']> = new Map([
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
])

export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>
  /** Tensors that can be weights, by name; their offsets count from the start of the file. */
  readonly tensors: ReadonlyMap<string, WeightSlice>
  /** Tensors of other types (integers, 8-bit floats), with the type. */
  readonly others: ReadonlyMap<string, string>
}

interface Entry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/**
 * @param file real path of the file, named in every error and slice
 * @param dataStart where the data begins: 8 + length of the header
 * @param fileSize size of the whole file in bytes
 * @throws InputError
 */
export function parseHeader(
  file: string,
  text: string,
  dataStart: number,
  fileSize: number,
): SafetensorsHeader {
  const fail = (found: string): never => {
    throw new InputError(`${file}: ${found}; the file is damaged or not what it seems: fetch it again`)
  }
  const json = parseObject(text, fail)
  const metadata = new Map<string, string>()
  const entries: Entry[] = []
  for (const [name, value] of Object.entries(json)) {
    if (name === '__metadata__') readMetadata(value, metadata, fail)
    else entries.push(readEntry(name, value, fail))
  }
  checkCover(entries, file, dataStart, fileSize, fail)

  const tensors = new Map<string, WeightSlice>()
  const others = new Map<string, string>()
  for (const { name, dtype, shape, begin } of entries) {
    const known = WEIGHT_DTYPES.get(dtype)
    if (known)
      tensors.set(name, Object.freeze({ name, file, offset: dataStart + begin, dtype: known, shape }))
    else others.set(name, dtype)
  }
  return { metadata, tensors, others }
}

type Fail = (found: string) => never

function parseObject(text: string, fail: Fail): object {
  if (!text.startsWith('{')) fail(`the header starts with ${JSON.stringify(text.slice(0, 12))}, not with "{"`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    return fail(`the header is not JSON (${(error as Error).message})`)
  }
  const twice = duplicateKey(text)
  if (twice !== undefined) fail(`the header has the key ${JSON.stringify(twice)} twice`)
  return json as object
}

function readMetadata(value: unknown, metadata: Map<string, string>, fail: Fail): void {
  const pairs = isObject(value) ? Object.entries(value) : fail('__metadata__ is not an object')
  for (const [key, text] of pairs) {
    if (typeof text !== 'string') fail(`__metadata__ ${JSON.stringify(key)} is not a string`)
    else metadata.set(key, text)
  }
}

function readEntry(name: string, value: unknown, fail: Fail): Entry {
  const bad = (found: string): never => fail(`tensor ${JSON.stringify(name)}: ${found}`)
  if (!isObject(value)) return bad('its entry is not an object')
  const { dtype, shape, data_offsets: offsets } = value
  const bits = typeof dtype === 'string' ? BITS.get(dtype) : undefined
  if (bits === undefined) return bad(`unknown dtype ${JSON.stringify(dtype)}`)
  if (!isSizes(shape)) return bad(`shape ${JSON.stringify(shape)} is not a list of sizes`)
  if (!isSizes(offsets) || offsets.length !== 2) {
    return bad(`data_offsets ${JSON.stringify(offsets)} are not two byte offsets`)
  }
  const [begin, end] = offsets as [number, number]
  const needed = shape.reduce((product, size) => product * BigInt(size), BigInt(bits))
  if (needed !== 8n * BigInt(end - begin)) {
    bad(
      `shape [${shape}] of ${dtype} needs ${Number(needed) / 8} bytes, data_offsets [${offsets}] span ${end - begin}`,
    )
  }
  return { name, dtype: dtype as string, shape: Object.freeze([...shape]), begin, end }
}

/** The tensors must cover the data exactly: no overlap, no hole, nothing before or behind. */
function checkCover(entries: Entry[], file: string, dataStart: number, fileSize: number, fail: Fail): void {
  let reached = 0
  let last = 'the header'
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    const label = JSON.stringify(name)
    if (begin < reached)
      fail(`tensor ${label} starts at data byte ${begin} and overlaps ${last}, which ends at ${reached}`)
    if (begin > reached)
      fail(`${begin - reached} data bytes between ${last} and tensor ${label} belong to no tensor`)
    reached = end
    last = `tensor ${label}`
  }
  const expected = dataStart + reached
  if (fileSize < expected) {
    throw new InputError(
      `${file}: truncated: its header says ${expected} bytes, the file has ${fileSize}; download it again`,
    )
  }
  if (fileSize > expected) fail(`${fileSize - expected} bytes behind the last tensor belong to no tensor`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}
