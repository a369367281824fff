/** @file Text of tokens that come one at a time: each piece whole characters, and all pieces together the whole text. */

/** Text of some tokens. */
export type Decode = (ids: readonly number[]) => string

const BROKEN = '\uFFFD'

/**
 * A character may be spread over several tokens (byte fallback, byte-level merges): what ends in a broken one
 * waits for the next token. Only the last few tokens are decoded again, since a token's text may depend on the
 * one before it (a leading blank), and on no other.
 */
export class TextStream {
  readonly #decode: Decode
  readonly #ids: number[] = []
  /** Tokens before `#told` were told; decoding begins again at `#from`. */
  #from = 0
  #told = 0

  constructor(decode: Decode) {
    this.#decode = decode
  }

  /** What can be told since the last call. */
  push(id: number): string {
    this.#ids.push(id)
    const before = this.#decode(this.#ids.slice(this.#from, this.#told))
    const text = this.#decode(this.#ids.slice(this.#from))
    if (text.endsWith(BROKEN) || text.length <= before.length) return ''
    this.#from = this.#told
    this.#told = this.#ids.length
    return text.slice(before.length)
  }

  /** What was held back, at the end. */
  end(): string {
    const before = this.#decode(this.#ids.slice(this.#from, this.#told))
    const text = this.#decode(this.#ids.slice(this.#from))
    this.#from = this.#told
    this.#told = this.#ids.length
    return text.slice(before.length)
  }
}
