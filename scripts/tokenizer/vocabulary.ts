/** @file The 2,048 tokens of the embedded model, by id. */
import { learnTokens, mergesOf } from './bpe.ts'
import { CHARACTERS, countWords } from './words.ts'

export const VOCABULARY_SIZE = 2048

/** Never part of ordinary text. Their names are Gemma's. */
export const CONTROLS = [
  '<pad>',
  '<eos>',
  '<bos>',
  '<unk>',
  '<mask>',
  '<start_of_turn>',
  '<end_of_turn>',
] as const

/** Tokens that are found in a text before any merging. */
export const NEWLINES = ['\n', '\n\n'] as const

/** Any other character is spelled in UTF-8 with these. */
const BYTES = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)

export interface Vocabulary {
  /** A token's id is its index. */
  readonly tokens: readonly string[]
  readonly merges: readonly (readonly [string, string])[]
  /** How many tokens come from the text; the rest is the fixed part in front and unused ones behind. */
  readonly learned: number
}

/** Learns the vocabulary from texts. The same texts give the same vocabulary. */
export function learnVocabulary(texts: Iterable<string>): Vocabulary {
  const fixed = [...CONTROLS, ...NEWLINES, ...BYTES, ...CHARACTERS]
  const learned = learnTokens(countWords(texts), VOCABULARY_SIZE - fixed.length)
  const unused = VOCABULARY_SIZE - fixed.length - learned.length
  return {
    tokens: [...fixed, ...learned, ...Array.from({ length: unused }, (_, i) => `<unused${i}>`)],
    merges: mergesOf(learned, CHARACTERS),
    learned: learned.length,
  }
}
