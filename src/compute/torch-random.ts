/** @file Random tensors as PyTorch's CPU generator fills them, from any place in its stream of 32-bit draws. */
import { MersenneTwister } from '../util/mersenne-twister.ts'

interface Place {
  readonly seed: number
  /** Draws that came before. */
  readonly skip: number
}

/** Uniform in [-bound, bound): `tensor.uniform_(-bound, bound)` of float32, bit for bit. One draw a value. */
export function torchUniform(size: number, { bound, ...place }: Place & { bound: number }): Float32Array {
  const draw = drawsAt(place, size)
  const low = Math.fround(-bound)
  const width = Math.fround(Math.fround(bound) - low)
  return Float32Array.from({ length: size }, () => fraction(draw()) * width + low)
}

/**
 * `tensor.normal_(0, std)` of float32 with at least 16 values, to the last bits, in which torch's own builds
 * differ: blocks of 16 uniforms by Box and Muller; the last block is drawn anew where it is not whole.
 */
export function torchNormal(size: number, { std, ...place }: Place & { std: number }): Float32Array {
  const draw = drawsAt(place, torchNormalDraws(size))
  const values = Float64Array.from({ length: Math.max(size, BLOCK) }, () => fraction(draw()))
  for (let start = 0; start + BLOCK <= size; start += BLOCK) boxMuller(values, start, std)
  if (size % BLOCK !== 0) {
    const start = values.length - BLOCK
    if (size > BLOCK) for (let i = start; i < values.length; i++) values[i] = fraction(draw())
    boxMuller(values, start, std)
  }
  return Float32Array.from(values.subarray(0, size))
}

/** How many draws `torchNormal` takes. */
export function torchNormalDraws(size: number): number {
  if (size <= BLOCK) return BLOCK
  return size + (size % BLOCK === 0 ? 0 : BLOCK)
}

const BLOCK = 16

function boxMuller(values: Float64Array, start: number, std: number): void {
  for (let i = start; i < start + BLOCK / 2; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i]!))
    const angle = 2 * Math.PI * values[i + BLOCK / 2]!
    values[i] = radius * Math.cos(angle) * std
    values[i + BLOCK / 2] = radius * Math.sin(angle) * std
  }
}

/** Uniform in [0, 1) of the 24 bits that a float32 holds. */
function fraction(bits: number): number {
  return (bits & 0xffffff) / 2 ** 24
}

/** The stream that was read last, and how far: parameters of one model are asked for one after another. */
let last: { readonly seed: number; readonly generator: MersenneTwister; at: number } | undefined

/** The draws from `skip` on, of which `count` will be taken. */
function drawsAt({ seed, skip }: Place, count: number): () => number {
  const stream =
    last && last.seed === seed && last.at <= skip
      ? last
      : { seed, generator: new MersenneTwister(seed), at: 0 }
  stream.generator.skip(skip - stream.at)
  stream.at = skip + count
  last = stream
  return () => stream.generator.draw()
}
