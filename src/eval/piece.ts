/**
 * @file What is scored, laid out: a piece is one segment of a row, either a document or a prompt with its
 * choices side by side behind it (each on a branch of its own, seeing the prompt but not the others).
 */
import type { ChoiceGroup, Encoded } from '../plugin/contract.ts'

/** Arrays `ids`, `position`, `branch` have one entry a token; the label arrays one entry a label. */
export interface Piece {
  readonly ids: Int32Array
  readonly position: Int32Array
  readonly branch: Int32Array
  /** Token of this piece whose hidden state predicts the label. */
  readonly labelSlot: Int32Array
  readonly labelId: Int32Array
  /** Which sum the label's log-probability belongs to: 0 for a document, the choice's index for a group. */
  readonly labelOwner: Int32Array
  readonly owners: number
}

/** A document: every token with mask 1 is a label, predicted by the token before it. */
export function documentPiece({ ids, mask }: Encoded): Piece {
  const slots: number[] = []
  for (let t = 0; t + 1 < ids.length; t++) if (mask[t + 1] === 1) slots.push(t)
  return {
    ids,
    position: Int32Array.from(ids, (_, t) => t),
    branch: new Int32Array(ids.length),
    labelSlot: Int32Array.from(slots),
    labelId: Int32Array.from(slots, (t) => ids[t + 1]!),
    labelOwner: new Int32Array(slots.length),
    owners: 1,
  }
}

/**
 * A prompt and its choices. The prompt's last token predicts every choice's first, and a choice's own last
 * token predicts nothing, so it is a label but takes no place. Neither prompt nor choice may be empty.
 */
export function choicePiece({ prompt, choices }: ChoiceGroup): Piece {
  const ids = [...prompt]
  const position = ids.map((_, t) => t)
  const branch = ids.map(() => 0)
  const labels: { slot: number; id: number; owner: number }[] = []
  choices.forEach((choice, owner) => {
    let slot = prompt.length - 1
    choice.forEach((id, t) => {
      labels.push({ slot, id, owner })
      if (t === choice.length - 1) return
      slot = ids.length
      ids.push(id)
      position.push(prompt.length + t)
      branch.push(owner + 1)
    })
  })
  return {
    ids: Int32Array.from(ids),
    position: Int32Array.from(position),
    branch: Int32Array.from(branch),
    labelSlot: Int32Array.from(labels, ({ slot }) => slot),
    labelId: Int32Array.from(labels, ({ id }) => id),
    labelOwner: Int32Array.from(labels, ({ owner }) => owner),
    owners: choices.length,
  }
}
