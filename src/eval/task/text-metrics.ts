/** @file How near a text comes to a reference: exact match, F1 over words, ROUGE-L. All between 0 and 1. */

/** Words as SQuAD's evaluation has them: lower case, no punctuation, no articles (Rajpurkar et al. 2016). */
function answerWords(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, '')
    .split(/\s+/)
    .filter((word) => word !== '' && word !== 'a' && word !== 'an' && word !== 'the')
}

/** 1 where the words are the same, in their order. */
export function exactMatch(text: string, reference: string): number {
  return answerWords(text).join(' ') === answerWords(reference).join(' ') ? 1 : 0
}

/** F1 of the words as bags. */
export function tokenF1(text: string, reference: string): number {
  const [given, wanted] = [answerWords(text), answerWords(reference)]
  if (given.length === 0 || wanted.length === 0) return given.length === wanted.length ? 1 : 0
  const left = new Map<string, number>()
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1)
  let common = 0
  for (const word of given) {
    const count = left.get(word) ?? 0
    if (count === 0) continue
    common++
    left.set(word, count - 1)
  }
  return f1(common, given.length, wanted.length)
}

/**
 * F-measure of the longest common subsequence of words (Lin 2004), cut as Google's rouge_score does without stemming:
 * lower case, runs of ASCII letters and digits; other letters count too here.
 */
export function rougeL(text: string, reference: string): number {
  const words = (of: string): string[] => of.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const [given, wanted] = [words(text), words(reference)]
  if (given.length === 0 || wanted.length === 0) return given.length === wanted.length ? 1 : 0
  return f1(commonSubsequence(given, wanted), given.length, wanted.length)
}

function commonSubsequence(a: readonly string[], b: readonly string[]): number {
  let last = new Uint32Array(b.length + 1)
  for (const word of a) {
    const row = new Uint32Array(b.length + 1)
    for (let j = 0; j < b.length; j++)
      row[j + 1] = b[j] === word ? last[j]! + 1 : Math.max(last[j + 1]!, row[j]!)
    last = row
  }
  return last[b.length]!
}

/** Harmonic mean of common / given and common / wanted. */
function f1(common: number, given: number, wanted: number): number {
  return (2 * common) / (given + wanted)
}
