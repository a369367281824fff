/** @file First values of a parameter. */
import { readSlice } from '../util/floats.ts'
import { normal, streamOf, uniform } from '../util/random.ts'
import type { ParameterSpec } from './graph.ts'
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
    default:
      return init satisfies never
  }
}
