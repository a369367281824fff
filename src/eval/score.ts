/**
 * @file Scores documents and choices: packs them into batches, asks for the log-probability of each label
 * and adds up what belongs together. It knows no executor: whoever runs a batch is handed in.
 */
import { type Batch, collateSegments, packBins, padded } from '../data/index.ts'
import type { ChoiceGroup, Encoded, Subject } from '../plugin/contract.ts'
import { choicePiece, documentPiece, type Piece } from './piece.ts'

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
    scoreChoices: (groups, onScored) => score(groups.map(choicePiece), onScored),
  }
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
  for (const rows of batchRows(
    pieces.map(({ ids }) => ids.length),
    tokens,
  )) {
    const logProb = await run(
      collateSegments(
        rows.map((row) => row.map((index) => pieces[index]!)),
        1,
      ),
    )
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

/** Batches of rows of piece indexes. Rows of about the same length share a batch, to limit padding. */
export function batchRows(lengths: readonly number[], tokens = SCORED_TOKENS): number[][][] {
  const longest = padded(lengths.reduce((most, length) => Math.max(most, length), 1))
  const used = (row: readonly number[]): number => row.reduce((total, index) => total + lengths[index]!, 0)
  const rows = packBins(lengths, longest).sort((a, b) => used(b) - used(a))
  const batches: number[][][] = []
  while (rows.length > 0) {
    const fit = Math.max(1, Math.floor(tokens / padded(used(rows[0]!))))
    batches.push(rows.splice(0, fit))
  }
  return batches
}
