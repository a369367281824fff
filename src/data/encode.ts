/** @file Spans of a document to token ids and a loss mask. */
import type { Encoded, Span } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'

/** What encoding needs to know of a tokenizer. */
export interface Vocabulary {
  /** Text of every control token -> its id. */
  readonly controls: ReadonlyMap<string, number>
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  /** Ids of ordinary text, in which no control token is recognised. */
  text(text: string): readonly number[]
}

/**
 * Ids of the spans, and 1 in the mask where the loss counts. Neighbours of the same kind are joined first, so a
 * template may cut its text where it likes. In a control span `<bos>` and `<eos>` stand for whatever the
 * tokenizer's own are called. The first token's mask is 0: nothing before it could predict it.
 */
export function encodeSpans(vocabulary: Vocabulary, spans: readonly Span[]): Encoded {
  const ids: number[] = []
  const mask: number[] = []
  for (const { text, train, control } of joined(spans)) {
    const encoded = control === true ? controlIds(vocabulary, text) : text === '' ? [] : vocabulary.text(text)
    for (const id of encoded) {
      ids.push(id)
      mask.push(train ? 1 : 0)
    }
  }
  if (mask.length > 0) mask[0] = 0
  return { ids: Int32Array.from(ids), mask: Uint8Array.from(mask) }
}

function joined(spans: readonly Span[]): Span[] {
  const runs: { text: string; train: boolean; control?: boolean }[] = []
  for (const span of spans) {
    const open = runs.at(-1)
    const same = open && open.train === span.train && (open.control ?? false) === (span.control ?? false)
    if (same) open.text += span.text
    else runs.push({ ...span })
  }
  return runs
}

/** A control span may hold several control tokens and text between them. */
function controlIds(vocabulary: Vocabulary, text: string): number[] {
  const ids: number[] = []
  for (const part of text.split(/(<[^<>\s]+>|\[[A-Z]+\])/)) {
    if (part === '') continue
    const id = controlId(vocabulary, part)
    if (id !== undefined) ids.push(id)
    else if (/^<.*>$/s.test(part)) throw unknownControl(vocabulary, part)
    else ids.push(...vocabulary.text(part))
  }
  return ids
}

function controlId({ controls, bosId, eosId }: Vocabulary, text: string): number | undefined {
  if (text === '<bos>') return bosId ?? controls.get(text)
  if (text === '<eos>') return eosId ?? controls.get(text)
  return controls.get(text)
}

function unknownControl({ controls }: Vocabulary, text: string): InputError {
  const known = [...controls.keys()].slice(0, 12).join(' ')
  return new InputError(
    `the model's tokenizer has no control token ${text}, which the template writes; it has ${known || 'none'}`,
  )
}
