/** @file Which words of a text are not in another: for showing two answers side by side. */

export interface DiffPart {
  readonly text: string
  readonly kind: 'same' | 'added' | 'removed'
}

/** Beyond so many pairs of words only what both begin and end with is matched. */
const MOST_PAIRS = 2e6

/**
 * The parts of both texts in order, by a longest common subsequence of words; blanks go with the word before
 * them. Parts of one kind that follow one another are one.
 */
export function wordDiff(before: string, after: string): readonly DiffPart[] {
  const [a, b] = [wordsOf(before), wordsOf(after)]
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const parts = new Parts()
  parts.add('same', a.slice(0, start))
  middle(a.slice(start, a.length - end), b.slice(start, b.length - end), parts)
  parts.add('same', a.slice(a.length - end))
  return parts.list
}

class Parts {
  readonly list: { text: string; kind: DiffPart['kind'] }[] = []

  add(kind: DiffPart['kind'], words: readonly string[]): void {
    if (words.length === 0) return
    const last = this.list.at(-1)
    if (last?.kind === kind) last.text += words.join('')
    else this.list.push({ kind, text: words.join('') })
  }
}

/** Words with the blanks behind them; each sign of a language without blanks by itself. */
function wordsOf(text: string): readonly string[] {
  return (
    text.match(
      /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+\s*|\s+/g,
    ) ?? []
  )
}

function middle(a: readonly string[], b: readonly string[], parts: Parts): void {
  if (a.length * b.length > MOST_PAIRS || a.length === 0 || b.length === 0) {
    parts.add('removed', a)
    parts.add('added', b)
    return
  }
  const width = b.length + 1
  // lengths[i * width + j]: longest common subsequence of a from i on and b from j on.
  const lengths = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!)
    }
  }
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      parts.add('same', [a[i]!])
      i++
      j++
    } else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) parts.add('removed', [a[i++]!])
    else parts.add('added', [b[j++]!])
  }
  parts.add('removed', a.slice(i))
  parts.add('added', b.slice(j))
}
