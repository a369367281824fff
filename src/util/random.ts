/**
 * @file Random numbers without a generator's state: a hash of (seed, stream, index). Every executor and every
 * resumed run sees the same value at the same place.
 */

/** The finalizer of MurmurHash3 (Appleby): every input bit reaches every output bit. */
function mix(h: number): number {
  let x = h
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}

/** FNV-1a of a name: tells streams apart. */
export function streamOf(name: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** 32 random bits for a place in a stream. */
export function bits(seed: number, stream: number, index: number): number {
  return bitsOf(seed, stream)(index)
}

/** The same for many places of one stream, a part of the work done once. */
export function bitsOf(seed: number, stream: number): (index: number) => number {
  const start = mix(mix(seed ^ 0x9e3779b9) ^ stream)
  return (index) => mix(start ^ mix(Math.imul(index, 0x9e3779b1) ^ stream))
}

/** Uniform in [0, 1), with 24 bits. */
export function uniform(seed: number, stream: number, index: number): number {
  return (bits(seed, stream, index) >>> 8) / 2 ** 24
}

/** Standard normal by Box and Muller, from two uniforms of its own. */
export function normal(seed: number, stream: number, index: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(seed, stream, 2 * index)))
  return radius * Math.cos(2 * Math.PI * uniform(seed, stream, 2 * index + 1))
}
