/**
 * @file Scores documents and choices: packs them into batches, asks for the log-probability of each label
 * and adds up what belongs together. It knows no executor: whoever runs a batch is handed in.
 */
import { type Batch, collateSegments, packBins, padded } from '../data/index.ts'
import type { ChoiceGroup, Encoded, Subject } from '../plugin/contract.ts'
import { documentPiece, type Piece } from './piece.ts'
import { type QuestionPiece, questionPieces } from './shared-prompts.ts'

/** Runs a batch and returns the log-probability of each of its labels [labels]. */
export type RunBatch = (batch: Batch) => Promise<Float32Array>

/** Hears the sums of each piece that a batch held, by its place in the request. */
export type OnScored = (scored: readonly (readonly [number, readonly number[]])[]) => void

/** As the subject's own, and it may be listened to. */
export interface Scorer {
  scoreDocuments(documents: readonly Encoded[], onScored?: OnScored): ReturnType<Subject['scoreDocuments']>
  scoreChoices(groups: readonly ChoiceGroup[], onScored?: OnScored): ReturnType<Subject['scoreChoices']>
}

/** Tokens of a batch, padding included, unless a single piece is longer. */
export const SCORED_TOKENS = 2048
/** Labels of a batch, unless a single row has more: the head computes them in pieces of as many. */
const LABELS = 128
/** Short pieces are packed into rows of this length: in longer ones attention would pay for what it does not look at. */
const PACKED = 256
/** Longer pieces have a row each, padded to a multiple of this. */
const MULTIPLE = 32

/** `onProgress` hears how many pieces are done of how many; `tokens` of a batch at most, unless a piece is longer. */
export function createScorer(
  run: RunBatch,
  onProgress: (done: number, total: number) => void = () => undefined,
  tokens = SCORED_TOKENS,
): Scorer {
  const score = (pieces: readonly Piece[], onScored?: OnScored) =>
    scorePieces(pieces, run, onProgress, tokens, onScored)
  return {
    async scoreDocuments(documents, onScored) {
      const pieces = documents.map(documentPiece)
      const sums = await score(pieces, onScored)
      return sums.map(([sum], i) => ({ sum: sum!, tokens: pieces[i]!.labelId.length }))
    },
    async scoreChoices(groups, onScored) {
      const pieces = questionPieces(groups, tokens)
      const found = new Array<readonly number[]>(groups.length)
      await score(
        pieces.map(({ piece }) => piece),
        (scored) => {
          const told = scored.flatMap(([at, sums]) => byQuestion(pieces[at]!, groups, sums))
          for (const [question, sums] of told) found[question] = sums
          onScored?.(told)
        },
      )
      return found
    },
  }
}

/** The sums of a piece, cut where one question ends and the next begins. */
function byQuestion(
  { questions }: QuestionPiece,
  groups: readonly ChoiceGroup[],
  sums: readonly number[],
): (readonly [number, readonly number[]])[] {
  let from = 0
  return questions.map((question) => {
    const own = sums.slice(from, from + groups[question]!.choices.length)
    from += own.length
    return [question, own] as const
  })
}

/** Sums of each piece, one an owner. */
async function scorePieces(
  pieces: readonly Piece[],
  run: RunBatch,
  onProgress: (done: number, total: number) => void,
  tokens: number,
  onScored: OnScored = () => undefined,
): Promise<number[][]> {
  const sums = pieces.map(({ owners }) => new Array<number>(owners).fill(0))
  let done = 0
  const sizes = pieces.map(({ ids, labelId }) => ({ tokens: ids.length, labels: labelId.length }))
  for (const rows of batchRows(sizes, tokens)) {
    const segments = rows.map((row) => row.map((index) => pieces[index]!))
    const logProb = await run(collateSegments(segments, 1, MULTIPLE))
    let label = 0
    for (const index of rows.flat()) {
      for (const owner of pieces[index]!.labelOwner) sums[index]![owner]! += logProb[label++]!
      done++
    }
    onScored(rows.flat().map((index) => [index, sums[index]!]))
    onProgress(done, pieces.length)
  }
  return sums
}

export interface PieceSize {
  readonly tokens: number
  readonly labels: number
}

/** Batches of rows of piece indexes. Rows of about the same length share a batch, to limit padding. */
export function batchRows(
  pieces: readonly PieceSize[],
  tokens = SCORED_TOKENS,
  labels = LABELS,
): number[][][] {
  const width = Math.min(PACKED, tokens)
  const short = pieces.flatMap((piece, i) => (piece.tokens <= width ? [i] : []))
  const packed = packBins(
    short.map((i) => pieces[i]!.tokens),
    width,
  ).map((bin) => bin.map((place) => short[place]!))
  const long = pieces.flatMap((piece, i) => (piece.tokens > width ? [[i]] : []))
  const sized = [...long, ...packed].map((row) => ({
    row,
    tokens: padded(total(row.map((i) => pieces[i]!.tokens)), MULTIPLE),
    labels: total(row.map((i) => pieces[i]!.labels)),
  }))
  sized.sort((a, b) => b.tokens - a.tokens)
  const batches: (typeof sized)[] = []
  for (const one of sized) {
    const open = batches.at(-1)
    // The first row of a batch is its longest.
    const fits =
      open !== undefined &&
      open[0]!.tokens * (open.length + 1) <= tokens &&
      total(open.map((row) => row.labels)) + one.labels <= labels
    if (fits) open.push(one)
    else batches.push([one])
  }
  return batches.map((batch) => batch.map(({ row }) => row))
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
