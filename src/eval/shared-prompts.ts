/**
 * @file Questions that begin alike, such as with the same examples, as one piece: what they share stands there once, and
 * each goes on from it on a branch of its own, at the positions that it would have by itself. Only for choices of one
 * token, which take no place: a longer one would need a branch of a branch.
 */
import type { ChoiceGroup } from '../plugin/contract.ts'
import { choicePiece, type Piece, pieceOf } from './piece.ts'

/** A piece, and the questions whose choices are its owners, in their order. */
export interface QuestionPiece {
  readonly piece: Piece
  readonly questions: readonly number[]
}

/** Tokens that must be saved for it to be worth a piece that attends over more than its own. */
const LEAST = 64
/** Tokens and labels of a piece at most. */
const TOKENS = 1024
const LABELS = 128

interface Open {
  readonly questions: number[]
  /** Tokens that all of them begin with. */
  shared: number
  /** Tokens of their prompts, and labels of their choices. */
  prompts: number
  labels: number
}

/** `tokens` of a piece at most, where there is room for fewer than usual. Neighbours are looked at, in their order. */
export function questionPieces(groups: readonly ChoiceGroup[], tokens = TOKENS): readonly QuestionPiece[] {
  const pieces: Open[] = []
  groups.forEach((group, index) => {
    const open = pieces.at(-1)
    if (open !== undefined && join(open, groups, index, Math.min(tokens, TOKENS))) return
    pieces.push({
      questions: [index],
      shared: group.prompt.length - 1,
      prompts: group.prompt.length,
      labels: group.choices.length,
    })
  })
  return pieces.map(({ questions, shared }) => ({
    questions,
    piece:
      questions.length === 1
        ? choicePiece(groups[questions[0]!]!)
        : sharedPiece(
            questions.map((index) => groups[index]!),
            shared,
          ),
  }))
}

/** Adds the question to the piece where it begins with what the others share. */
function join(open: Open, groups: readonly ChoiceGroup[], index: number, limit: number): boolean {
  const [first, group] = [groups[open.questions[0]!]!, groups[index]!]
  if (!isShort(first) || !isShort(group)) return false
  const shared = Math.min(commonStart(first.prompt, group.prompt), group.prompt.length - 1, open.shared)
  const others = open.questions.length
  // Where it shares less than the others do, each of these becomes longer.
  const saved = others * shared - (others - 1) * open.shared
  const prompts = open.prompts + group.prompt.length
  const labels = open.labels + group.choices.length
  if (saved < LEAST || prompts - others * shared > limit || labels > LABELS) return false
  open.questions.push(index)
  Object.assign(open, { shared, prompts, labels })
  return true
}

const isShort = ({ choices }: ChoiceGroup): boolean => choices.every(({ length }) => length === 1)

function commonStart(a: Int32Array, b: Int32Array): number {
  const most = Math.min(a.length, b.length)
  let length = 0
  while (length < most && a[length] === b[length]) length++
  return length
}

/** What all begin with once, on branch 0, and the rest of each on a branch of its own. */
function sharedPiece(groups: readonly ChoiceGroup[], shared: number): Piece {
  const ids = [...groups[0]!.prompt.subarray(0, shared)]
  const position = ids.map((_, t) => t)
  const branch = ids.map(() => 0)
  const labels: { slot: number; id: number; owner: number }[] = []
  let owners = 0
  groups.forEach(({ prompt, choices }, question) => {
    for (let t = shared; t < prompt.length; t++) {
      ids.push(prompt[t]!)
      position.push(t)
      branch.push(question + 1)
    }
    for (const [id] of choices) labels.push({ slot: ids.length - 1, id: id!, owner: owners++ })
  })
  return pieceOf({ ids, position, branch }, labels, owners)
}
