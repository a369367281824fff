/** @file The order of rows: torch's CPU `randperm`, draw for draw, so that an epoch here is the epoch of a PyTorch run with the same seed. */
import { MersenneTwister } from '../util/mersenne-twister.ts'

/** A permutation of 0..n-1: torch.randperm(n) with a generator seeded by `seed`. */
export function permutation(n: number, seed: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i)
  const generator = new MersenneTwister(seed)
  for (let i = 0; i < n - 1; i++) {
    const j = i + (generator.draw() % (n - i))
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
