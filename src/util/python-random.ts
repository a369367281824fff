/** @file Python's `random.Random`, as far as samples and shuffles need it: the same seed draws the same. */
import { MersenneTwister } from './mersenne-twister.ts'

export class PythonRandom {
  readonly #twister: MersenneTwister

  /** A seed from 0 to 2^32 - 1. */
  constructor(seed: number) {
    this.#twister = MersenneTwister.keyed([seed])
  }

  /** `k` different numbers below `n`, in the order that Python's `sample(range(n), k)` has them. */
  sample(n: number, k: number): number[] {
    // Python copies a small population into a pool and keeps a set beside a large one; they draw differently.
    const setSize = 21 + (k > 5 ? 4 ** Math.ceil(Math.log(k * 3) / Math.log(4)) : 0)
    return n <= setSize ? this.#fromPool(n, k) : this.#fromRange(n, k)
  }

  #fromPool(n: number, k: number): number[] {
    const pool = Array.from({ length: n }, (_, i) => i)
    return Array.from({ length: k }, (_, i) => {
      const at = this.#below(n - i)
      const drawn = pool[at]!
      pool[at] = pool[n - i - 1]!
      return drawn
    })
  }

  #fromRange(n: number, k: number): number[] {
    const drawn = new Set<number>()
    while (drawn.size < k) drawn.add(this.#below(n))
    return [...drawn]
  }

  /** The values in the order into which Python's `shuffle` brings a list of them. */
  shuffled<T>(values: readonly T[]): T[] {
    const list = [...values]
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.#below(i + 1)
      const held = list[i]!
      list[i] = list[j]!
      list[j] = held
    }
    return list
  }

  /** Uniform below `n`, by rejection. */
  #below(n: number): number {
    const width = 32 - Math.clz32(n)
    let value = n
    while (value >= n) value = this.#twister.draw() >>> (32 - width)
    return value
  }
}
