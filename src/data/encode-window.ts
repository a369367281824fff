/** @file Tokenises one window of rows: the work of the tokenising worker. */
import type { Encoded } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { type Census, CensusCounter } from './census.ts'
import { applyLength, type OverLength, OverLengthError } from './length-policy.ts'
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
  for (const text of rows) {
    const row = parseStoredRow(text)
    try {
      const encoded = tokenizer.encode(row.spans)
      checkVocabulary(tokenizer, encoded, policy.vocabSize)
      const { fate, document } = applyLength(encoded, policy.maxLength, policy.overLength)
      counter.add(encoded.ids.length, fate, document)
      if (document !== undefined) documents.push(document)
    } catch (error) {
      if (error instanceof OverLengthError)
        throw new InputError(`row ${row.number} of the data set ${error.message}`)
      if (error instanceof InputError)
        throw new InputError(`row ${row.number} of the data set: ${error.message}`)
      throw error
    }
  }
  return joinDocuments(documents, counter.census())
}

function checkVocabulary(tokenizer: Tokenizer, { ids }: Encoded, vocabSize: number): void {
  const bad = ids.find((id) => id >= vocabSize)
  if (bad === undefined) return
  const text = JSON.stringify(tokenizer.decode([bad]))
  throw new InputError(
    `holds ${text}, token ${bad}, for which the model has no embedding (it has ${vocabSize})`,
  )
}

function joinDocuments(documents: readonly Encoded[], census: Census): EncodedWindow {
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
export function splitDocuments({ lengths, ids, mask }: EncodedWindow): readonly Encoded[] {
  let at = 0
  return Array.from(lengths, (length) => {
    const document = { ids: ids.subarray(at, at + length), mask: mask.subarray(at, at + length) }
    at += length
    return document
  })
}
