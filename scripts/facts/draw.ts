/** @file Seeded draws: a stream of random choices that depends on its seed and name alone. */
import { streamOf, uniform } from '../../src/util/random.ts'

export interface Draw {
  /** Uniform in [0, 1). */
  next(): number
  /** A whole number from 0 to n - 1. */
  below(n: number): number
  /** One entry of a list that is not empty. */
  pick<T>(list: readonly T[]): T
  /** A copy in random order. */
  shuffle<T>(list: readonly T[]): T[]
}

/** A stream of its own for each name, so that a draw added to one leaves the others as they were. */
export function drawsOf(seed: number, name: string): Draw {
  const stream = streamOf(name)
  let index = 0
  const next = (): number => uniform(seed, stream, index++)
  const below = (n: number): number => Math.floor(next() * n)
  return {
    next,
    below,
    pick: (list) => list[below(list.length)]!,
    shuffle: (list) => {
      const copy = [...list]
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1)
        ;[copy[i], copy[j]] = [copy[j]!, copy[i]!]
      }
      return copy
    },
  }
}

/** A seed as it is typed: a whole number from 0 to 2^32 - 1; undefined for anything else. */
export function parseSeed(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 ? Number(text) : undefined
}
