/** @file First values of a parameter. */
import { readSlice } from '../util/floats.ts'
import { normal, streamOf, uniform } from '../util/random.ts'
import type { ParameterSpec } from './graph.ts'
import { type QrFactors, qrFactors } from './qr.ts'
import type { SingularFactors } from './singular.ts'
import { factorsOf } from './stored-factors.ts'
import { torchNormal, torchUniform } from './torch-random.ts'

/** The first values of a parameter, as its spec says: equal wherever they are made. */
export function initialValues({ name, shape, init }: ParameterSpec): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1)
  const stream = streamOf(name)
  switch (init.kind) {
    case 'zeros':
      return new Float32Array(size)
    case 'ones':
      return new Float32Array(size).fill(1)
    case 'uniform':
      return Float32Array.from(
        { length: size },
        (_, i) => (2 * uniform(init.seed, stream, i) - 1) * init.bound,
      )
    case 'normal':
      return Float32Array.from({ length: size }, (_, i) => normal(init.seed, stream, i) * init.std)
    case 'torch-uniform':
      return torchUniform(size, init)
    case 'torch-normal':
      return torchNormal(size, init)
    case 'weight':
      return readSlice(init.file, init.offset, init.dtype, size)
    case 'qr': {
      const { part, factor, rank, rows, columns } = init
      const key = `${init.file} ${init.offset} ${rank}`
      if (lastQr?.key !== key) {
        const stored = readSlice(init.file, init.offset, init.dtype, rows * columns)
        lastQr = { key, factors: qrFactors(stored, rows, columns, rank) }
      }
      return lastQr.factors[part].map((value) => value * factor)
    }
    case 'svd': {
      const { part, factor } = init
      const key = `${init.file} ${init.offset} ${init.rank}`
      if (lastSingular?.key !== key) lastSingular = { key, factors: factorsOf(init) }
      return lastSingular.factors[part].map((value) => value * factor)
    }
    case 'row-norms':
      return rowNorms(readSlice(init.file, init.offset, init.dtype, size * init.width), init.width)
    default:
      return init satisfies never
  }
}

/** Both factors of a matrix are asked for one after the other. */
let lastQr: { readonly key: string; readonly factors: QrFactors } | undefined
let lastSingular: { readonly key: string; readonly factors: SingularFactors } | undefined

function rowNorms(values: Float32Array, width: number): Float32Array {
  return Float32Array.from({ length: values.length / width }, (_, row) => {
    let squares = 0
    for (let i = row * width; i < (row + 1) * width; i++) squares += values[i]! * values[i]!
    return Math.sqrt(squares)
  })
}
