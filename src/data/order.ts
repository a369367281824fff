/** @file The order of rows: torch's CPU `randperm`, draw for draw, so that an epoch here is the epoch of a PyTorch run with the same seed. */

const SIZE = 624
const SHIFT = 397

/** 32-bit draws of the Mersenne Twister MT19937, seeded as torch seeds it (low 32 bits of the seed). */
export function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(SIZE)
  state[0] = seed
  for (let i = 1; i < SIZE; i++) {
    const last = state[i - 1]! ^ (state[i - 1]! >>> 30)
    state[i] = Math.imul(1812433253, last) + i
  }
  let next = SIZE
  return () => {
    if (next === SIZE) {
      twist(state)
      next = 0
    }
    let y = state[next++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < SIZE; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff)
    state[i] = state[(i + SHIFT) % SIZE]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
  }
}

/** A permutation of 0..n-1: torch.randperm(n) with a generator seeded by `seed`. */
export function permutation(n: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i)
  const draw = mersenneTwister(seed)
  for (let i = 0; i < n - 1; i++) {
    const j = i + (draw() % (n - i))
    const kept = order[i]!
    order[i] = order[j]!
    order[j] = kept
  }
  return order
}

/** The order of `n` items in an epoch (from 0), as accelerate's seedable sampler has it: seeded by seed + epoch. */
export function epochOrder(n: number, seed: number, epoch: number): Int32Array {
  return permutation(n, seed + epoch)
}

/** A seed for a purpose of its own, so that choosing the holdout and shuffling the rows do not share their draws. */
export function streamSeed(seed: number, stream: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0
  for (const char of `${stream}:${seed}`) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0
  return hash
}
