/**
 * @file What is scored, laid out: a piece is one segment of a row, either a document or a prompt with its
 * choices side by side behind it (each on a branch of its own, seeing the prompt but not the others).
 */
import { documentSegment, type Segment } from '../data/index.ts'
import type { ChoiceGroup, Encoded } from '../plugin/contract.ts'

export interface Piece extends Segment {
  /** Which sum the label's log-probability belongs to: 0 for a document, the choice's index for a group. */
  readonly labelOwner: Int32Array
  readonly owners: number
}

export function documentPiece(document: Encoded): Piece {
  const segment = documentSegment(document)
  return { ...segment, labelOwner: new Int32Array(segment.labelId.length), owners: 1 }
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
  return pieceOf({ ids, position, branch }, labels, choices.length)
}

/** A piece of its tokens, each with its place, and of its labels, each predicted at a slot. */
export function pieceOf(
  { ids, position, branch }: Readonly<Record<'ids' | 'position' | 'branch', readonly number[]>>,
  labels: readonly { readonly slot: number; readonly id: number; readonly owner: number }[],
  owners: number,
): Piece {
  return {
    ids: Int32Array.from(ids),
    position: Int32Array.from(position),
    branch: Int32Array.from(branch),
    labelSlot: Int32Array.from(labels, ({ slot }) => slot),
    labelId: Int32Array.from(labels, ({ id }) => id),
    labelOwner: Int32Array.from(labels, ({ owner }) => owner),
    owners,
  }
}
