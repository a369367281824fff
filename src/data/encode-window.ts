/** @file Tokenises one window of rows: the work of the tokenising worker. */
import type { Encoded } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { type Census, CensusCounter } from './census.ts'
import { applyLength, type OverLength, OverLengthError } from './length-policy.ts'
import { beginningOf, endToken, ODD } from './oddities.ts'
import { rowPrint } from './row-print.ts'
import { parseStoredRow } from './row-store.ts'
import type { Tokenizer } from './tokenizer.ts'

export interface WindowPolicy {
  readonly maxLength: number
  readonly overLength: OverLength
  /** Vocabulary of the model: an id from here on has no embedding. */
  readonly vocabSize: number
}

/** The documents of a window end to end: `lengths[i]` tokens each. */
export interface EncodedWindow {
  readonly lengths: Int32Array
  readonly ids: Int32Array
  readonly mask: Uint8Array
  /** Of every row read, also of those left out: its fingerprint, and bits of `ODD`. */
  readonly prints: Float64Array
  readonly odd: Uint8Array
  readonly census: Census
}

/** `rows` as the row store gives them. Throws an InputError that names the row. */
export function encodeWindow(
  tokenizer: Tokenizer,
  rows: readonly string[],
  policy: WindowPolicy,
): EncodedWindow {
  const counter = new CensusCounter()
  const documents: Encoded[] = []
  const prints = new Float64Array(rows.length)
  const odd = new Uint8Array(rows.length)
  for (const [i, text] of rows.entries()) {
    const row = parseStoredRow(text)
    prints[i] = rowPrint(row.spans)
    try {
      const encoded = tokenizer.encode(row.spans)
      checkVocabulary(tokenizer, encoded, policy.vocabSize)
      const { fate, document } = applyLength(encoded, policy.maxLength, policy.overLength)
      const end = document && endToken(document, tokenizer)
      counter.add(encoded.ids.length, fate, document, end === undefined ? undefined : tokenizer.decode([end]))
      odd[i] = beginningOf(encoded, tokenizer) | (fate === 'kept' && end === undefined ? ODD.noEnd : 0)
      if (document !== undefined) documents.push(document)
    } catch (error) {
      if (error instanceof OverLengthError)
        throw new InputError(`row ${row.number} of the data set ${error.message}`)
      if (error instanceof InputError)
        throw new InputError(`row ${row.number} of the data set: ${error.message}`)
      throw error
    }
  }
  return { ...joinDocuments(documents, counter.census()), prints, odd }
}

function checkVocabulary(tokenizer: Tokenizer, { ids }: Encoded, vocabSize: number): void {
  const bad = ids.find((id) => id >= vocabSize)
  if (bad === undefined) return
  const text = JSON.stringify(tokenizer.decode([bad]))
  throw new InputError(
    `holds ${text}, token ${bad}, for which the model has no embedding (it has ${vocabSize})`,
  )
}

function joinDocuments(documents: readonly Encoded[], census: Census): Omit<EncodedWindow, 'prints' | 'odd'> {
  const ids = new Int32Array(census.tokens)
  const mask = new Uint8Array(census.tokens)
  let at = 0
  for (const document of documents) {
    ids.set(document.ids, at)
    mask.set(document.mask, at)
    at += document.ids.length
  }
  return { lengths: Int32Array.from(documents, (document) => document.ids.length), ids, mask, census }
}

/** The documents of a window, as views of its arrays. */
export function splitDocuments({
  lengths,
  ids,
  mask,
}: Pick<EncodedWindow, 'lengths' | 'ids' | 'mask'>): readonly Encoded[] {
  let at = 0
  return Array.from(lengths, (length) => {
    const document = { ids: ids.subarray(at, at + length), mask: mask.subarray(at, at + length) }
    at += length
    return document
  })
}
