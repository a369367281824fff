/**
 * @file ONNX Runtime's arena (BFCArena in its bfc_arena.cc, with the settings that a session has unless told
 * otherwise), without the memory: which bytes of it a run touches. What was touched once stays with the process.
 */

const MIB = 2 ** 20
const ALIGNED = 256
const FIRST_REGION = MIB
const SECOND_REGION = 2 * MIB
/** Regions double up to this size; all later ones have it. */
const LARGEST_REGION = 1024 * MIB
/** A chunk that is larger by less than this, and not twice as large, is handed out whole. */
const LARGEST_LOSS = 128 * MIB

interface Region {
  /** Place in the order in which regions were made. */
  readonly index: number
  /** Ends of the parts that were handed out at some time; they overlap nowhere. */
  touched: readonly (readonly [number, number])[]
}

/** A piece of a region, in use or free. */
export interface Chunk {
  readonly region: Region
  readonly at: number
  size: number
  free: boolean
  before: Chunk | undefined
  after: Chunk | undefined
}

export class Arena {
  /** Free chunks, as they are chosen: the smallest first. */
  readonly #free: Chunk[] = []
  #regions = 0
  #next = FIRST_REGION
  #touched = 0

  /** Bytes that were in use at any time. */
  get touched(): number {
    return this.#touched
  }

  take(bytes: number): Chunk {
    const wanted = Math.max(1, Math.ceil(bytes / ALIGNED)) * ALIGNED
    if (this.#placeOf(wanted) === this.#free.length) this.#extend(wanted)
    const chunk = this.#free.splice(this.#placeOf(wanted), 1)[0]!
    chunk.free = false
    if (chunk.size >= 2 * wanted || chunk.size - wanted >= LARGEST_LOSS) this.#split(chunk, wanted)
    this.#touch(chunk.region, chunk.at, chunk.at + bytes)
    return chunk
  }

  give(chunk: Chunk): void {
    const { before, after } = chunk
    if (after?.free) this.#join(chunk, after)
    if (before?.free) this.#join(before, chunk)
    const whole = before?.free ? before : chunk
    whole.free = true
    // Joined with what was free before it, it is of another size now.
    const old = this.#free.indexOf(whole)
    if (old >= 0) this.#free.splice(old, 1)
    this.#add(whole)
  }

  #extend(wanted: number): void {
    const doubled = wanted > this.#next
    while (wanted > this.#next) this.#next *= 2
    const region = { index: this.#regions++, touched: [] }
    this.#add({ region, at: 0, size: this.#next, free: true, before: undefined, after: undefined })
    if (!doubled) this.#next = this.#regions === 1 ? SECOND_REGION : 2 * this.#next
    this.#next = Math.min(this.#next, LARGEST_REGION)
  }

  #split(chunk: Chunk, wanted: number): void {
    const { region, at, size, after } = chunk
    const rest = { region, at: at + wanted, size: size - wanted, free: true, before: chunk, after }
    if (after) after.before = rest
    chunk.after = rest
    chunk.size = wanted
    this.#add(rest)
  }

  /** Makes one of two neighbours. */
  #join(first: Chunk, second: Chunk): void {
    if (second.free) this.#free.splice(this.#free.indexOf(second), 1)
    first.size += second.size
    first.after = second.after
    if (second.after) second.after.before = first
  }

  /** Of chunks of one size that of the lower address is chosen; the system puts each new region below the others. */
  #add(chunk: Chunk): void {
    let place = this.#placeOf(chunk.size)
    const isBefore = ({ region, at, size }: Chunk): boolean =>
      size === chunk.size && (region.index > chunk.region.index || (region === chunk.region && at < chunk.at))
    while (place < this.#free.length && isBefore(this.#free[place]!)) place++
    this.#free.splice(place, 0, chunk)
  }

  /** Where the first free chunk of at least so many bytes stands. */
  #placeOf(size: number): number {
    let [low, high] = [0, this.#free.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#free[middle]!.size < size) low = middle + 1
      else high = middle
    }
    return low
  }

  #touch(region: Region, from: number, to: number): void {
    const apart = region.touched.filter(([first, last]) => last < from || first > to)
    const met = region.touched.filter(([first, last]) => last >= from && first <= to)
    const start = Math.min(from, ...met.map(([first]) => first))
    const end = Math.max(to, ...met.map(([, last]) => last))
    const before = met.reduce((sum, [first, last]) => sum + last - first, 0)
    this.#touched += end - start - before
    region.touched = [...apart, [start, end]]
  }
}
