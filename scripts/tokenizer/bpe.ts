/**
 * @file Byte-pair encoding as SentencePiece means it: what is ranked is the token that comes out, not the pair that
 * goes in. Two neighbours may join if together they spell a token, and the token learned first joins first.
 */

/** Token -> its rank; the lowest joins first. */
type Ranks = ReadonlyMap<string, number>

/** A distinct word of the text, as it is cut so far. */
interface Word {
  readonly count: number
  symbols: readonly string[]
}

/** How often a token would come out, and in which words. */
interface Candidate {
  count: number
  readonly words: Set<Word>
}

/**
 * Learns at most `room` tokens from words and their counts: again and again the one that would join most neighbours.
 * Of equally frequent ones it is the first by character code, so the same words give the same tokens. What occurs
 * once is not learned.
 */
export function learnTokens(counts: ReadonlyMap<string, number>, room: number): string[] {
  const ranks = new Map<string, number>()
  const candidates = new Map<string, Candidate>()
  for (const [text, count] of counts) note(candidates, { count, symbols: [...text] })
  while (ranks.size < room) {
    const best = mostFrequent(candidates)
    if (best === undefined) break
    const { words } = candidates.get(best)!
    ranks.set(best, ranks.size)
    for (const word of [...words]) {
      forget(candidates, word)
      word.symbols = join(word.symbols, ranks)
      note(candidates, word)
    }
  }
  return [...ranks.keys()]
}

/** Joins neighbours until none spells a token: the lowest rank first, of equal ranks the leftmost. */
export function join(symbols: readonly string[], ranks: Ranks): readonly string[] {
  const joined = [...symbols]
  for (;;) {
    let at = -1
    let lowest = Number.POSITIVE_INFINITY
    for (let i = 0; i + 1 < joined.length; i++) {
      const rank = ranks.get(joined[i]! + joined[i + 1]!)
      if (rank !== undefined && rank < lowest) {
        at = i
        lowest = rank
      }
    }
    if (at < 0) return joined
    joined.splice(at, 2, joined[at]! + joined[at + 1]!)
  }
}

/**
 * The merges that make the learned tokens in formats that rank pairs: for each token, in the order of learning, every
 * way of making it from two tokens. Listed so, pairs join in the same order as tokens do above.
 */
export function mergesOf(learned: readonly string[], characters: readonly string[]): [string, string][] {
  const order = new Map([...characters, ...learned].map((token, index) => [token, index]))
  return learned.flatMap((token) =>
    Array.from({ length: token.length - 1 }, (_, i): [string, string] => [
      token.slice(0, i + 1),
      token.slice(i + 1),
    ])
      .filter(([left, right]) => order.has(left) && order.has(right))
      .sort(([a, b], [c, d]) => order.get(a)! - order.get(c)! || order.get(b)! - order.get(d)!),
  )
}

function note(candidates: Map<string, Candidate>, word: Word): void {
  for (const token of neighbours(word)) {
    const candidate = candidates.get(token) ?? { count: 0, words: new Set() }
    candidate.count += word.count
    candidate.words.add(word)
    candidates.set(token, candidate)
  }
}

function forget(candidates: Map<string, Candidate>, word: Word): void {
  for (const token of neighbours(word)) {
    const candidate = candidates.get(token)
    if (candidate === undefined) continue
    candidate.count -= word.count
    candidate.words.delete(word)
    if (candidate.words.size === 0) candidates.delete(token)
  }
}

function neighbours({ symbols }: Word): string[] {
  return symbols.slice(1).map((symbol, i) => symbols[i]! + symbol)
}

function mostFrequent(candidates: ReadonlyMap<string, Candidate>): string | undefined {
  let best: string | undefined
  let most = 2
  for (const [token, { count }] of candidates) {
    if (count < most || (count === most && best !== undefined && token > best)) continue
    best = token
    most = count
  }
  return best
}
