/**
 * @file Keys and values of the tokens so far. A row's slots are filled from the first, without holes; the buffers
 * are larger than what they hold and grow by half, so that a step writes its own tokens and copies no others.
 */
import type { Feeds } from '../executor.ts'
import { type KeptLayer, PAST_PLACE, type Part, pastName, presentName } from './program.ts'

const STEP = 64
const PARTS = ['k', 'v'] as const

interface Buffer {
  readonly name: string
  readonly present: string
  readonly heads: number
  readonly headDim: number
  /** [rows, heads, capacity, headDim] */
  values: Float32Array
}

export class Cache {
  readonly #rows: number
  readonly #buffers: readonly Buffer[]
  /** [rows, capacity]: 0 where a token is kept, -1 elsewhere. */
  #segment = new Int32Array()
  #position = new Int32Array()
  #branch = new Int32Array()
  /** Tokens kept of each row. */
  readonly used: Int32Array
  capacity = 0
  /** The same views are handed out again as long as they are asked for: an executor may remember them. */
  #last:
    | { readonly from: number; readonly count: number; readonly past: number; readonly feeds: Feeds }
    | undefined

  constructor(layers: readonly KeptLayer[], rows: number) {
    this.#rows = rows
    this.used = new Int32Array(rows)
    this.#buffers = layers.flatMap(({ heads, headDim }, layer) =>
      PARTS.map((part: Part) => ({
        name: pastName(part, layer),
        present: presentName(part, layer),
        heads,
        headDim,
        values: new Float32Array(),
      })),
    )
  }

  /** Makes room for `tokens` in every row. */
  reserve(tokens: number): void {
    if (tokens <= this.capacity) return
    const before = this.capacity
    this.#last = undefined
    this.capacity = Math.ceil(Math.max(tokens, before * 1.5) / STEP) * STEP
    for (const buffer of this.#buffers)
      buffer.values = this.#grown(buffer.values, buffer.heads, buffer.headDim, before)
    this.#segment = this.#grown(this.#segment, 1, 1, before)
    this.#position = this.#grown(this.#position, 1, 1, before)
    this.#branch = new Int32Array(this.#rows * this.capacity)
    for (let row = 0; row < this.#rows; row++) this.#clear(row)
  }

  /** Forgets a row. */
  empty(row: number): void {
    this.used[row] = 0
    this.#clear(row)
  }

  /** What a run over rows [from, from + count) reads, where it lies, and how many slots of each row: none of empty rows. */
  kept(from: number, count: number): { readonly past: number; readonly feeds: Feeds } {
    const past = this.used.subarray(from, from + count).some((tokens) => tokens > 0) ? this.capacity : 0
    const last = this.#last
    if (last?.from === from && last.count === count && last.past === past) return last
    this.#last = { from, count, past, feeds: this.#views(from, count, past) }
    return this.#last
  }

  #views(from: number, count: number, past: number): Feeds {
    const rows = <A extends Float32Array | Int32Array>(values: A, width: number): A =>
      values.subarray(from * this.capacity * width, (from * this.capacity + count * past) * width) as A
    return {
      [PAST_PLACE.segment]: rows(this.#segment, 1),
      [PAST_PLACE.position]: rows(this.#position, 1),
      [PAST_PLACE.branch]: rows(this.#branch, 1),
      ...Object.fromEntries(
        this.#buffers.map(({ name, values, heads, headDim }) => [name, rows(values, heads * headDim)]),
      ),
    }
  }

  /**
   * Keeps the first `counts[i]` tokens that a run over rows [from, ...) with `length` tokens each made of its
   * i-th row. Room must have been reserved.
   */
  append(
    from: number,
    counts: readonly number[],
    length: number,
    outputs: Readonly<Record<string, Float32Array>>,
  ): void {
    for (const { values, present, heads, headDim } of this.#buffers) {
      const made = outputs[present]!
      for (const [i, count] of counts.entries()) {
        for (let head = 0; head < heads; head++) {
          const source = (i * heads + head) * length * headDim
          const target = ((from + i) * heads + head) * this.capacity + this.used[from + i]!
          values.set(made.subarray(source, source + count * headDim), target * headDim)
        }
      }
    }
    for (const [i, count] of counts.entries()) {
      const row = from + i
      const start = this.used[row]!
      const at = row * this.capacity + start
      this.#segment.fill(0, at, at + count)
      for (let t = 0; t < count; t++) this.#position[at + t] = start + t
      this.used[row] = start + count
    }
  }

  /** Row `to` becomes what row `from` is. */
  copy(from: number, to: number): void {
    for (const { values, heads, headDim } of this.#buffers) {
      const size = heads * this.capacity * headDim
      values.copyWithin(to * size, from * size, (from + 1) * size)
    }
    for (const values of [this.#segment, this.#position])
      values.copyWithin(to * this.capacity, from * this.capacity, (from + 1) * this.capacity)
    this.used[to] = this.used[from]!
  }

  #clear(row: number): void {
    this.#segment.fill(-1, row * this.capacity + this.used[row]!, (row + 1) * this.capacity)
  }

  /** The same [rows, heads, capacity, width] with more capacity. */
  #grown<A extends Float32Array | Int32Array>(values: A, heads: number, width: number, before: number): A {
    const blocks = this.#rows * heads
    const Kind = values.constructor as new (size: number) => A
    const grown = new Kind(blocks * this.capacity * width)
    for (let block = 0; block < blocks; block++) {
      grown.set(
        values.subarray(block * before * width, (block + 1) * before * width) as never,
        block * this.capacity * width,
      )
    }
    return grown
  }
}
