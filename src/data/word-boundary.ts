/** @file Where a text may be cut before byte-pair merging without changing a token. */

/** The character that stands for a space in SentencePiece vocabularies. */
const SPACE = '▁'

/**
 * A pattern that matches between a character and a following space mark where no merge of the vocabulary makes a
 * token across the two; undefined where the vocabulary does not mark spaces so. Merges join neighbours only, so
 * what lies on the two sides of such a place can never meet.
 */
export function wordBoundary(merges: readonly (string | readonly string[])[]): RegExp | undefined {
  const joined = new Set<string>([SPACE])
  let marks = false
  for (const merge of merges) {
    const [left, right] = (typeof merge === 'string' ? merge.split(' ', 2) : merge) as [string, string]
    const token = left + right
    if (!token.includes(SPACE)) continue
    marks = true
    for (const match of token.matchAll(/([^▁])▁/gu)) joined.add(match[1]!)
  }
  if (!marks) return undefined
  const behind = [...joined].map((char) => `\\u{${char.codePointAt(0)!.toString(16)}}`).join('')
  return new RegExp(`(?<=[^${behind}])(?=${SPACE})`, 'u')
}
