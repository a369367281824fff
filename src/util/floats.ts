/** @file The narrow float formats of weight files, and slices of such files. Little-endian, as safetensors are. */
import { closeSync, openSync, readSync } from 'node:fs'
import { InputError } from './errors.ts'
import { bf16ToF32, f16ToF32 } from './half.ts'

export type FileFloat = 'f32' | 'f16' | 'bf16'
export const FLOAT_BYTES: Readonly<Record<FileFloat, number>> = { f32: 4, f16: 2, bf16: 2 }

/** Values widened at a time: bounds the extra memory of reading a large tensor. */
const CHUNK = 1 << 20

/**
 * Reads `count` values at a byte offset of a file; widening is exact for every format.
 * @throws InputError when the file ends before
 */
export function readSlice(file: string, offset: number, dtype: FileFloat, count: number): Float32Array {
  const values = new Float32Array(count)
  const width = FLOAT_BYTES[dtype]
  const raw = new Uint8Array(Math.min(count, CHUNK) * width)
  const handle = openSync(file, 'r')
  try {
    for (let start = 0; start < count; start += CHUNK) {
      const part = values.subarray(start, start + CHUNK)
      const bytes = raw.subarray(0, part.length * width)
      fill(bytes, handle, offset + start * width, file)
      widen(bytes, dtype, part)
    }
  } finally {
    closeSync(handle)
  }
  return values
}

function fill(bytes: Uint8Array, handle: number, position: number, file: string): void {
  let done = 0
  while (done < bytes.length) {
    const read = readSync(handle, bytes, done, bytes.length - done, position + done)
    if (read === 0) {
      const short = bytes.length - done
      throw new InputError(
        `${file}: ends at byte ${position + done}, ${short} bytes too early; download it again`,
      )
    }
    done += read
  }
}

function widen({ buffer }: Uint8Array, dtype: FileFloat, target: Float32Array): void {
  if (dtype === 'f32') target.set(new Float32Array(buffer, 0, target.length))
  else if (dtype === 'bf16') bf16ToF32(new Uint16Array(buffer, 0, target.length), target)
  else f16ToF32(new Uint16Array(buffer, 0, target.length), target)
}
