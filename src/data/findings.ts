/** @file What is odd about the rows of a split: gathered window by window, told by the numbers of the rows. */
import type { EncodedWindow } from './encode-window.ts'
import { ODD } from './oddities.ts'

/** How many rows, and the numbers of the first few. */
export interface RowList {
  readonly count: number
  readonly first: readonly number[]
}

/** How many pairs, and the first few: a row and the one whose text it repeats. */
export interface PairList {
  readonly count: number
  readonly first: readonly (readonly [row: number, other: number])[]
}

/** Rows are counted as the data set does, from 1. */
export interface RowFindings {
  readonly emptyAnswers: RowList
  /** Column -> rows where it is empty although it belongs to the answer. */
  readonly emptyColumns: ReadonlyMap<string, RowList>
  readonly doubleBos: RowList
  readonly noBos: RowList
  /** Rows, not cut, whose answer has no end that is learned. */
  readonly noEnd: RowList
  readonly duplicates: PairList
  /** Fingerprint and number of every row. */
  readonly prints: Float64Array
  readonly numbers: Int32Array
}

/** Rows that a message names. */
const NAMED = 5

/** Counts rows and remembers the first few. A row that is repeated on purpose, one time after another, counts once. */
export class RowCounter implements RowList {
  count = 0
  readonly first: number[] = []
  #last: number | undefined

  add(row: number): void {
    if (row === this.#last) return
    this.#last = row
    this.count++
    if (this.first.length < NAMED) this.first.push(row)
  }
}

/** What was seen while the rows were rendered. */
export interface RenderFindings {
  readonly emptyAnswers: RowList
  readonly emptyColumns: ReadonlyMap<string, RowList>
}

/** Gathers what the windows of one split say of their rows. */
export class FindingsCollector {
  readonly #prints: Float64Array
  readonly #odd: Uint8Array

  constructor(rows: number) {
    this.#prints = new Float64Array(rows)
    this.#odd = new Uint8Array(rows)
  }

  /** @param places where in the split each row of the window stands */
  add({ prints, odd }: EncodedWindow, places: ArrayLike<number>): void {
    for (let i = 0; i < places.length; i++) {
      this.#prints[places[i]!] = prints[i]!
      this.#odd[places[i]!] = odd[i]!
    }
  }

  findings(rendered: RenderFindings, numbers: Int32Array): RowFindings {
    const rows = (bit: number): RowList => {
      const counter = new RowCounter()
      for (let i = 0; i < numbers.length; i++) if ((this.#odd[i]! & bit) !== 0) counter.add(numbers[i]!)
      return counter
    }
    return {
      ...rendered,
      doubleBos: rows(ODD.doubleBos),
      noBos: rows(ODD.noBos),
      noEnd: rows(ODD.noEnd),
      duplicates: repeatedRows(this.#prints, numbers),
      prints: this.#prints,
      numbers,
    }
  }
}

/** Rows that say what an earlier one says. A row that the data set repeats on purpose has one number and does not count. */
function repeatedRows(prints: Float64Array, numbers: Int32Array): PairList {
  const sorted = prints.slice().sort()
  const repeated = new Set<number>()
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) repeated.add(sorted[i]!)
  const found = new Pairs()
  const earlier = new Map<number, number>()
  const told = new Set<number>()
  for (let i = 0; i < prints.length && repeated.size > 0; i++) {
    const [print, number] = [prints[i]!, numbers[i]!]
    if (!repeated.has(print) || told.has(number)) continue
    told.add(number)
    const before = earlier.get(print)
    if (before === undefined) earlier.set(print, number)
    else found.add(number, before)
  }
  return found
}

/** Rows of `held` that say what a row of `train` says. */
export function sharedRows(held: RowFindings, train: RowFindings): PairList {
  const wanted = new Set(held.prints)
  const places = new Map<number, number>()
  for (let i = 0; i < train.prints.length; i++) {
    const print = train.prints[i]!
    if (wanted.has(print) && !places.has(print)) places.set(print, train.numbers[i]!)
  }
  const found = new Pairs()
  for (let i = 0; i < held.prints.length && places.size > 0; i++) {
    const other = places.get(held.prints[i]!)
    if (other !== undefined) found.add(held.numbers[i]!, other)
  }
  return found
}

class Pairs implements PairList {
  count = 0
  readonly first: [number, number][] = []

  add(row: number, other: number): void {
    this.count++
    if (this.first.length < NAMED) this.first.push([row, other])
  }
}
