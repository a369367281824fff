/**
 * @file Reads the numbers of step lines straight from their bytes. A run writes thousands of lines of one form,
 * which only differ in their numbers: the form is learnt from one of them. What does not have it to the byte is
 * left to JSON.parse, so that a line means the same either way.
 */

/** A line that can be learnt: when, that it is a step, and numbers under plain names. */
const LEARNABLE = /^\{"time":"[^"]{24}","type":"step"(?:,"[a-z_][a-z0-9_]*":-?\d[\d.eE+-]*)+\}$/i
const FIELD = /,"(\w+)":[-\d.eE+]+/g

const START = Buffer.from('{"time":"')
const TIME_BYTES = 24
const TYPE = '","type":"step"'
const DAY_MS = 86_400_000

const [ZERO, NINE, DOT, MINUS] = [0x30, 0x39, 0x2e, 0x2d]

/** So many digits make a whole number that a double holds exactly, and powers of ten as large are exact too. */
const EXACT_DIGITS = 15
const POWERS = Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i)

export class StepForm {
  /** Names of the numbers, in the order of the line. */
  readonly names: readonly string[]
  /** What the last line that was read holds, by place in `names`. */
  readonly values: Float64Array
  /** When it was written, ms since 1970. */
  time = Number.NaN
  /** What stands before each number, and behind the last. */
  private readonly between: readonly Uint8Array[]
  private readonly day = { bytes: new Uint8Array(10), start: Number.NaN }
  /** Where the number that was read last ends. */
  private end = 0

  private constructor(names: readonly string[]) {
    this.names = names
    this.values = new Float64Array(names.length)
    const texts = names.map((name, i) => `${i === 0 ? TYPE : ''},"${name}":`)
    this.between = [...texts, '}'].map((text) => Buffer.from(text))
  }

  /** The form of a line; undefined for one that has no such form. */
  static of(line: string): StepForm | undefined {
    if (!LEARNABLE.test(line)) return undefined
    const names = [...line.matchAll(FIELD)].map((match) => match[1]!)
    const plain = new Set(names).size === names.length && names.includes('step')
    return plain && !names.includes('time') && !names.includes('type') ? new StepForm(names) : undefined
  }

  /** Reads the line of these bytes; false, with values of no use, where it does not have this form. */
  read(bytes: Buffer, from: number, to: number): boolean {
    if (to - from < START.length + TIME_BYTES + TYPE.length || !has(bytes, from, START)) return false
    let at = from + START.length
    this.time = this.timeAt(bytes, at)
    if (Number.isNaN(this.time)) return false
    at += TIME_BYTES
    for (let i = 0; i < this.values.length; i++) {
      const before = this.between[i]!
      if (!has(bytes, at, before)) return false
      const value = this.numberAt(bytes, at + before.length, to)
      if (Number.isNaN(value)) return false
      this.values[i] = value
      at = this.end
    }
    const last = this.between[this.values.length]!
    return at + last.length === to && has(bytes, at, last)
  }

  /** `2026-01-31T23:59:59.999Z` as milliseconds; NaN for anything else. */
  private timeAt(bytes: Buffer, at: number): number {
    const { day } = this
    if (!has(bytes, at, day.bytes)) {
      const text = bytes.toString('latin1', at, at + 10)
      if (!/^\d{4}-\d\d-\d\d$/.test(text)) return Number.NaN
      day.start = Date.parse(`${text}T00:00:00.000Z`)
      day.bytes.set(bytes.subarray(at, at + 10))
    }
    const marks = bytes[at + 10] === 0x54 && bytes[at + 13] === 0x3a && bytes[at + 16] === 0x3a
    if (!marks || bytes[at + 19] !== DOT || bytes[at + 23] !== 0x5a) return Number.NaN
    const [hours, minutes] = [twoDigits(bytes, at + 11), twoDigits(bytes, at + 14)]
    const [seconds, hundreds] = [twoDigits(bytes, at + 17), twoDigits(bytes, at + 20)]
    const rest = digit(bytes, at + 22)
    // Midnight may be written as 24:00:00, and days overflow: such times are left to Date.parse.
    if (!(hours < 24 && minutes < 60 && seconds < 60)) return Number.NaN
    const time = day.start + 3_600_000 * hours + 60_000 * minutes + 1000 * seconds + 10 * hundreds + rest
    return time - day.start < DAY_MS ? time : Number.NaN
  }

  /**
   * A number as JSON has it; NaN for what is none. Few digits are a whole number over a power of ten: both are
   * exact, so their quotient is the nearest double (Clinger, How to read floating point numbers accurately, 1990).
   */
  private numberAt(bytes: Buffer, from: number, to: number): number {
    const first = bytes[from] === MINUS ? from + 1 : from
    const point = endOfDigits(bytes, first, to)
    if (point === first || (bytes[first] === ZERO && point > first + 1)) return Number.NaN
    let end = point
    if (bytes[point] === DOT) {
      end = endOfDigits(bytes, point + 1, to)
      if (end === point + 1) return Number.NaN
    }
    const places = Math.max(0, end - point - 1)
    const hasExponent = (bytes[end]! | 0x20) === 0x65
    if (hasExponent) end = endOfExponent(bytes, end + 1, to)
    this.end = end
    if (hasExponent || end - first > EXACT_DIGITS) {
      return end === 0 ? Number.NaN : Number(bytes.toString('latin1', from, end))
    }
    const value = wholeOf(bytes, first, end) / POWERS[places]!
    return first > from ? -value : value
  }
}

function endOfDigits(bytes: Uint8Array, from: number, to: number): number {
  let at = from
  while (at < to && isDigit(bytes[at]!)) at++
  return at
}

/** The number that digits make, a point among them passed over. */
function wholeOf(bytes: Uint8Array, from: number, to: number): number {
  let whole = 0
  for (let at = from; at < to; at++) if (bytes[at] !== DOT) whole = 10 * whole + (bytes[at]! - ZERO)
  return whole
}

/** Where an exponent ends whose sign or first digit is at `at`; 0 where there is none. */
function endOfExponent(bytes: Buffer, at: number, to: number): number {
  const first = bytes[at] === MINUS || bytes[at] === 0x2b ? at + 1 : at
  const end = endOfDigits(bytes, first, to)
  return end === first ? 0 : end
}

function has(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false
  return true
}

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE

const digit = (bytes: Uint8Array, at: number): number =>
  isDigit(bytes[at]!) ? bytes[at]! - ZERO : Number.NaN

const twoDigits = (bytes: Uint8Array, at: number): number => 10 * digit(bytes, at) + digit(bytes, at + 1)
