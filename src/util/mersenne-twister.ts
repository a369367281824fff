/** @file The Mersenne Twister MT19937, seeded and drawn as torch's CPU generator does (Matsumoto and Nishimura 1998). */

const SIZE = 624
const SHIFT = 397

export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE)
  #next = SIZE

  /** Seeded by the low 32 bits. */
  constructor(seed: number) {
    const state = this.#state
    state[0] = seed
    for (let i = 1; i < SIZE; i++) {
      const last = state[i - 1]! ^ (state[i - 1]! >>> 30)
      state[i] = Math.imul(1812433253, last) + i
    }
  }

  /** Seeded by a list of 32-bit numbers (`init_by_array`), as Python's generator is. */
  static keyed(key: readonly number[]): MersenneTwister {
    const twister = new MersenneTwister(19650218)
    const state = twister.#state
    let at = 1
    const mixed = (factor: number): number => {
      const last = state[at - 1]! ^ (state[at - 1]! >>> 30)
      return state[at]! ^ Math.imul(last, factor)
    }
    const advance = (): void => {
      if (++at < SIZE) return
      state[0] = state[SIZE - 1]!
      at = 1
    }
    for (let i = 0; i < Math.max(SIZE, key.length); i++) {
      const next = i % key.length
      state[at] = mixed(1664525) + key[next]! + next
      advance()
    }
    for (let i = 1; i < SIZE; i++) {
      state[at] = mixed(1566083941) - at
      advance()
    }
    state[0] = 0x80000000
    return twister
  }

  /** The next 32 bits. */
  draw(): number {
    if (this.#next === SIZE) this.#twist()
    let y = this.#state[this.#next++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }

  /** Leaves draws out: some 1 ns each, several times faster than to make them. */
  skip(count: number): void {
    let left = count
    while (left > SIZE - this.#next) {
      left -= SIZE - this.#next
      this.#twist()
    }
    this.#next += left
  }

  #twist(): void {
    const state = this.#state
    for (let i = 0; i < SIZE; i++) {
      const after = i + 1 === SIZE ? 0 : i + 1
      const far = i + SHIFT < SIZE ? i + SHIFT : i + SHIFT - SIZE
      const y = (state[i]! & 0x80000000) | (state[after]! & 0x7fffffff)
      state[i] = state[far]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
    }
    this.#next = 0
  }
}
