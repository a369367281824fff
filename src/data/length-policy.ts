/** @file What happens to a document that is longer than the model is to see. */
import type { Encoded } from '../plugin/contract.ts'
import type { Fate } from './census.ts'
import { labelCount } from './collate.ts'

/** `drop` leaves it out, `truncate` keeps its start, `error` refuses the data set. */
export type OverLength = 'drop' | 'truncate' | 'error'

/** A document that `over_length: error` refuses. */
export class OverLengthError extends Error {
  override readonly name = 'OverLengthError'
}

/** What becomes of a document, and what is left of it. A document without a label teaches and scores nothing. */
export function applyLength(
  document: Encoded,
  maxLength: number,
  overLength: OverLength,
): { readonly fate: Fate; readonly document?: Encoded } {
  const length = document.ids.length
  if (length <= maxLength) return labelled(document, 'kept')
  if (overLength === 'drop') return { fate: 'dropped' }
  if (overLength === 'error') {
    throw new OverLengthError(
      `has ${length} tokens, ${length - maxLength} more than train.max_length allows (${maxLength}); raise it, or set train.over_length to truncate or drop`,
    )
  }
  const cut = { ids: document.ids.slice(0, maxLength), mask: document.mask.slice(0, maxLength) }
  return labelled(cut, 'truncated')
}

function labelled(document: Encoded, fate: Fate): { readonly fate: Fate; readonly document?: Encoded } {
  return labelCount(document) === 0 ? { fate: 'unlabelled' } : { fate, document }
}
