/** @file The nearest known word to a misspelt one, for "did you mean". */

/** Edit distance that counts a swap of neighbours as one (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforeLast[j - 2]! + 1)
      }
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

/**
 * The known word that `word` most likely meant, or undefined where none is near: about a
 * third of its letters may differ, or its end may be missing.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_.\s]/g, '')
  const wanted = plain(word).slice(0, 100)
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const short = wanted.length >= 3 && plain(candidate).startsWith(wanted)
    const distance = short ? 1 : editDistance(wanted, plain(candidate))
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, candidate.length) / 3))
    if (distance <= limit && distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
