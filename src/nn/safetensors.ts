/** @file Safetensors files: the header read and checked, the data left in place; and written, atomically. */
import { closeSync, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs'
import type { WeightSlice } from '../plugin/contract.ts'
import { type Draft, writeAtomically } from '../util/atomic.ts'
import { InputError } from '../util/errors.ts'
import { readSlice } from '../util/floats.ts'
import { f32ToBf16 } from '../util/half.ts'
import { parseHeader, type SafetensorsHeader } from './safetensors-header.ts'

const MAX_HEADER_BYTES = 100_000_000
/** Values converted at a time: bounds the extra memory of writing a large tensor. */
const CHUNK = 1 << 20

export interface SafetensorsFile extends SafetensorsHeader {
  /** Real path: links are followed, since executors refuse to read weights through them. */
  readonly file: string
}

/**
 * Reads the header only, and checks it against the file: see `parseHeader`. Data bytes are never read.
 * @throws InputError that names the file, the tensor, what was found and what to do
 */
export function readSafetensors(file: string): SafetensorsFile {
  const real = realFile(file)
  const handle = openSync(real, 'r')
  try {
    const size = fstatSync(handle).size
    const length = headerLength(real, handle, size)
    const bytes = readBytes(handle, 8, length)
    let text: string
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch {
      throw new InputError(`${real}: the header is not UTF-8 text; the file is damaged: download it again`)
    }
    return { file: real, ...parseHeader(real, text, 8 + length, size) }
  } finally {
    closeSync(handle)
  }
}

function realFile(file: string): string {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new InputError(`${file}: no such file`)
  return realpathSync(file)
}

function headerLength(file: string, handle: number, size: number): number {
  const start = readBytes(handle, 0, Math.min(size, 8))
  if (start.toString('latin1') === 'version ') {
    throw new InputError(
      `${file}: this is a Git LFS pointer, not the weights: run "git lfs pull" in its folder`,
    )
  }
  if (size < 8)
    throw new InputError(`${file}: truncated: ${size} bytes are too few for a header; download it again`)
  const length = start.readBigUInt64LE()
  if (length > MAX_HEADER_BYTES) {
    throw new InputError(
      `${file}: not a safetensors file: its first 8 bytes claim a header of ${length} bytes (at most ${MAX_HEADER_BYTES})`,
    )
  }
  if (8n + length > size) {
    throw new InputError(
      `${file}: truncated: its header should take ${length} bytes, the file has ${size - 8} behind the length; download it again`,
    )
  }
  return Number(length)
}

function readBytes(handle: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let done = 0
  while (done < length) {
    const count = readSync(handle, bytes, done, length - done, position + done)
    if (count === 0) break
    done += count
  }
  return bytes.subarray(0, done)
}

/** Values of one tensor, row-major. For small tensors and exports: training reads weights in place. */
export async function readTensor({ file, offset, dtype, shape }: WeightSlice): Promise<Float32Array> {
  return readSlice(
    file,
    offset,
    dtype,
    shape.reduce((product, size) => product * size, 1),
  )
}

export interface TensorData {
  readonly name: string
  readonly dtype: 'f32' | 'bf16'
  readonly shape: readonly number[]
  /** The values, row-major, or how to get them: a function is called when its turn comes, so that one tensor is in memory at a time. */
  readonly data: Float32Array | (() => Promise<Float32Array>)
}

/**
 * Writes tensors widest type first, then by name, so that equal content gives equal bytes. The file
 * appears only when it is whole and on disk. bf16 rounds to nearest even.
 */
export async function writeSafetensors(
  file: string,
  tensors: readonly TensorData[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const order = tensors.toSorted((a, b) => width(b) - width(a) || (a.name < b.name ? -1 : 1))
  const header = headerBytes(order, metadata)
  await writeAtomically(file, async (draft) => {
    await draft.write(header)
    for (const tensor of order) {
      const values = typeof tensor.data === 'function' ? await tensor.data() : tensor.data
      if (values.length !== count(tensor)) {
        throw new RangeError(`tensor "${tensor.name}" is [${tensor.shape}] but got ${values.length} values`)
      }
      await writeValues(draft, tensor.dtype, values)
    }
  })
}

function headerBytes(order: readonly TensorData[], metadata: Readonly<Record<string, string>>): Buffer {
  const entries: [string, unknown][] = [['__metadata__', metadata]]
  const names = new Set(['__metadata__'])
  let offset = 0
  for (const tensor of order) {
    if (names.has(tensor.name)) throw new RangeError(`two tensors are named "${tensor.name}"`)
    names.add(tensor.name)
    const end = offset + count(tensor) * width(tensor)
    entries.push([
      tensor.name,
      { dtype: tensor.dtype.toUpperCase(), shape: tensor.shape, data_offsets: [offset, end] },
    ])
    offset = end
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Math.ceil(json.length / 8) * 8
  const header = Buffer.alloc(8 + length, ' ')
  header.writeBigUInt64LE(BigInt(length))
  json.copy(header, 8)
  return header
}

async function writeValues(draft: Draft, dtype: TensorData['dtype'], values: Float32Array): Promise<void> {
  for (let start = 0; start < values.length; start += CHUNK) {
    const part = values.subarray(start, start + CHUNK)
    const raw = dtype === 'f32' ? part : new Uint16Array(part.length)
    if (raw instanceof Uint16Array) f32ToBf16(part, raw)
    await draft.write(new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength))
  }
}

function width(tensor: TensorData): number {
  return tensor.dtype === 'f32' ? 4 : 2
}

function count(tensor: TensorData): number {
  return tensor.shape.reduce((product, size) => product * size, 1)
}
