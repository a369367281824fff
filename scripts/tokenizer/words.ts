/** @file Text to the words that byte-pair merges may not reach across. */

/** Stands for a space, at the start of the word behind it. */
export const SPACE = '▁'

/** The characters that have a token of their own: printable ASCII but the space, and the mark for it. */
export const CHARACTERS: readonly string[] = [
  ...Array.from({ length: 0x7e - 0x21 + 1 }, (_, i) => String.fromCharCode(0x21 + i)),
  SPACE,
]

/**
 * A run of letters, one digit, or one other character, each with the space mark in front of it if there is one. So
 * a name is cut into the same tokens in the middle of a sentence and before its full stop. Newlines and characters
 * beyond ASCII belong to no word.
 */
const WORD = /▁?(?:[A-Za-z]+|[0-9]|[!-~])|▁/g

/** Each word of the texts -> how often it occurs, in the order in which they come up. */
export function countWords(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const [word] of text.replaceAll(' ', SPACE).matchAll(WORD)) {
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  }
  return counts
}
