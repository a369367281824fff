/** @file The narrow float formats of weight files, and slices of such files. Little-endian, as safetensors are. */
import { closeSync, openSync, readSync } from 'node:fs'
import { bf16ToF32, f16ToF32 } from './half.ts'

export type FileFloat = 'f32' | 'f16' | 'bf16'
export const FLOAT_BYTES: Readonly<Record<FileFloat, number>> = { f32: 4, f16: 2, bf16: 2 }

/** Widens raw little-endian bytes to f32; exact for every format. */
export function widen(bytes: Uint8Array, dtype: FileFloat): Float32Array {
  if (dtype === 'f32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  const raw = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2)
  const out = new Float32Array(raw.length)
  if (dtype === 'bf16') bf16ToF32(raw, out)
  else f16ToF32(raw, out)
  return out
}

/** Reads `count` values at a byte offset of a file. Throws when the file ends before. */
export function readSlice(file: string, offset: number, dtype: FileFloat, count: number): Float32Array {
  const bytes = new Uint8Array(count * FLOAT_BYTES[dtype])
  const handle = openSync(file, 'r')
  try {
    let done = 0
    while (done < bytes.length) {
      const read = readSync(handle, bytes, done, bytes.length - done, offset + done)
      if (read === 0)
        throw new Error(`${file} ends at byte ${offset + done}, ${bytes.length - done} bytes too early`)
      done += read
    }
  } finally {
    closeSync(handle)
  }
  return widen(bytes, dtype)
}
