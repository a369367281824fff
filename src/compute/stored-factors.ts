/**
 * @file Singular factors of stored matrices, kept on disk: they take up to seconds a matrix, and every run from the
 * same weights starts from the same ones. A file that is damaged counts as missing.
 */
import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../util/cache-folder.ts'
import { readSlice } from '../util/floats.ts'
import type { ParameterInit } from './graph.ts'
import { type SingularFactors, singularFactors } from './singular.ts'

export type SingularInit = Extract<ParameterInit, { kind: 'svd' }>

/** Raise it when what is stored changes. */
const VERSION = 1
const HASH_BYTES = 32

/** From the cache, or worked out and, where that is possible, stored. */
export function factorsOf(init: SingularInit): SingularFactors {
  const file = factorFile(init)
  const found = readFactors(file, init)
  if (found) return found
  const { rows, columns, rank } = init
  const stored = readSlice(init.file, init.offset, init.dtype, rows * columns)
  const factors = singularFactors(stored, rows, columns, rank)
  storeFactors(file, factors)
  return factors
}

/** Whether the cache has them. */
export function isStored(init: SingularInit): boolean {
  return readFactors(factorFile(init), init) !== undefined
}

/** One file a matrix, named after what went into it. The weights count by their file's place, size and time. */
export function factorFile({ file, offset, dtype, rows, columns, rank }: SingularInit): string {
  const real = realpathSync(file)
  const { size, mtimeMs } = statSync(real)
  const key = JSON.stringify([VERSION, real, size, mtimeMs, offset, dtype, rows, columns, rank])
  return join(cacheFolder('factors'), createHash('sha256').update(key).digest('hex'))
}

function readFactors(file: string, { rows, columns, rank }: SingularInit): SingularFactors | undefined {
  try {
    const bytes = readFileSync(file)
    const content = bytes.subarray(HASH_BYTES)
    if (
      content.length !== 4 * rank * (rows + columns) ||
      !hash(content).equals(bytes.subarray(0, HASH_BYTES))
    )
      return undefined
    const all = new Float32Array(new Uint8Array(content).buffer)
    return { a: all.slice(0, rank * columns), b: all.slice(rank * columns) }
  } catch {
    return undefined
  }
}

function storeFactors(file: string, { a, b }: SingularFactors): void {
  const content = Buffer.concat(
    [a, b].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)),
  )
  // A cache that cannot be written costs time, not the run.
  if (!canStore()) return
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    writeFileSync(draft, Buffer.concat([hash(content), content]))
    renameSync(draft, file)
  } catch {
    rmSync(draft, { force: true })
  }
}

/** Whether the cache's folder is there, made now if need be, and may be written. */
export function canStore(): boolean {
  const folder = cacheFolder('factors')
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function hash(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}
