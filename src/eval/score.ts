/**
 * @file Scores documents and choices: packs them into batches, asks for the log-probability of each label
 * and adds up what belongs together. It knows no executor: whoever runs a batch is handed in.
 */
import { type Batch, packBins } from '../data/index.ts'
import type { Subject } from '../plugin/contract.ts'
import { choicePiece, documentPiece, type Piece } from './piece.ts'

/** Runs a batch and returns the log-probability of each of its labels [labels]. */
export type RunBatch = (batch: Batch) => Promise<Float32Array>

export type Scorer = Pick<Subject, 'scoreDocuments' | 'scoreChoices'>

/** Tokens of a batch, padding included, unless a single piece is longer. */
const TOKENS = 2048
const MULTIPLE = 128

/** `onProgress` hears how many pieces are done of how many. */
export function createScorer(
  run: RunBatch,
  onProgress: (done: number, total: number) => void = () => undefined,
): Scorer {
  const score = (pieces: readonly Piece[]) => scorePieces(pieces, run, onProgress)
  return {
    async scoreDocuments(documents) {
      const pieces = documents.map(documentPiece)
      const sums = await score(pieces)
      return sums.map(([sum], i) => ({ sum: sum!, tokens: pieces[i]!.labelId.length }))
    },
    scoreChoices: (groups) => score(groups.map(choicePiece)),
  }
}

/** Sums of each piece, one an owner. */
async function scorePieces(
  pieces: readonly Piece[],
  run: RunBatch,
  onProgress: (done: number, total: number) => void,
): Promise<number[][]> {
  const sums = pieces.map(({ owners }) => new Array<number>(owners).fill(0))
  let done = 0
  for (const rows of batchRows(pieces.map(({ ids }) => ids.length))) {
    const logProb = await run(collatePieces(rows.map((row) => row.map((index) => pieces[index]!))))
    let label = 0
    for (const index of rows.flat()) {
      for (const owner of pieces[index]!.labelOwner) sums[index]![owner]! += logProb[label++]!
      done++
    }
    onProgress(done, pieces.length)
  }
  return sums
}

/** Batches of rows of piece indexes. Rows of about the same length share a batch, to limit padding. */
export function batchRows(lengths: readonly number[], tokens = TOKENS): number[][][] {
  const longest = roundUp(lengths.reduce((most, length) => Math.max(most, length), 1))
  const used = (row: readonly number[]): number => row.reduce((total, index) => total + lengths[index]!, 0)
  const rows = packBins(lengths, longest).sort((a, b) => used(b) - used(a))
  const batches: number[][][] = []
  while (rows.length > 0) {
    const fit = Math.max(1, Math.floor(tokens / roundUp(used(rows[0]!))))
    batches.push(rows.splice(0, fit))
  }
  return batches
}

/** Lays out rows of pieces; labels come in the order of the rows, then of their pieces. */
export function collatePieces(rows: readonly (readonly Piece[])[]): Batch {
  const tokens = rows.map((row) => row.reduce((total, { ids }) => total + ids.length, 0))
  const length = roundUp(Math.max(...tokens))
  const labelTokens = rows.flat().reduce((total, { labelId }) => total + labelId.length, 0)
  const labels = roundUp(labelTokens)
  const grid = (fill: number): Int32Array => new Int32Array(rows.length * length).fill(fill)
  const batch = {
    rows: rows.length,
    length,
    ids: grid(0),
    position: grid(0),
    segment: grid(-1),
    branch: grid(0),
    labels,
    labelSlot: new Int32Array(labels),
    labelId: new Int32Array(labels),
    labelWeight: new Float32Array(labels).fill(1, 0, labelTokens),
    tokens: tokens.reduce((a, b) => a + b, 0),
    labelTokens,
  }
  let label = 0
  rows.forEach((row, r) => {
    let at = r * length
    row.forEach((piece, segment) => {
      batch.ids.set(piece.ids, at)
      batch.position.set(piece.position, at)
      batch.branch.set(piece.branch, at)
      batch.segment.fill(segment, at, at + piece.ids.length)
      batch.labelId.set(piece.labelId, label)
      for (const slot of piece.labelSlot) batch.labelSlot[label++] = at + slot
      at += piece.ids.length
    })
  })
  return batch
}

function roundUp(count: number): number {
  return Math.max(1, Math.ceil(count / MULTIPLE)) * MULTIPLE
}
