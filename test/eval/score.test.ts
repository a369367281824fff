import { beforeAll, expect, test } from 'vitest'
import { collateSegments } from '../../src/data/index.ts'
import { choicePiece, documentPiece } from '../../src/eval/piece.ts'
import { batchRows, createScorer, type RunBatch } from '../../src/eval/score.ts'
import { questionPieces } from '../../src/eval/shared-prompts.ts'
import type { ChoiceGroup, Encoded } from '../../src/plugin/contract.ts'
import { feedsFor } from '../../src/train/step.ts'
import { documentOf } from '../helpers/memory-split.ts'
import { oracleExecutor } from '../helpers/oracle-executor.ts'
import { tinyLora } from '../helpers/tiny-lora.ts'

let run: RunBatch

beforeAll(async () => {
  const { programs } = await tinyLora()
  const executor = await oracleExecutor()
  const compiled = await executor.compile(programs.score)
  run = async ({ rows, length, labels, tokens: _, labelTokens: __, ...batch }) => {
    const feeds = { ...batch, gain: Float32Array.of(0) }
    return (await compiled.run(feedsFor(programs.score, feeds), { rows, length, labels }, false)).logProb!
  }
})

test('a document scored beside others scores as it does alone', async () => {
  const documents = [documentOf(30, 10, 1), documentOf(12, 5, 2), documentOf(40, 39, 3), documentOf(9, 1, 4)]
  const { scoreDocuments } = createScorer(run)
  const together = await scoreDocuments(documents)
  expect(together.map(({ tokens }) => tokens)).toEqual([10, 5, 39, 1])
  for (const [i, document] of documents.entries()) {
    const [alone] = await scoreDocuments([document])
    expect(together[i]!.sum).toBeCloseTo(alone!.sum, 4)
    expect(alone!.sum).toBeLessThan(-1)
  }
})

test('choices behind one prompt score as prompt and choice written out', async () => {
  const prompt = Int32Array.of(2, 11, 20, 33, 7)
  const choices = [
    Int32Array.of(15),
    Int32Array.of(16, 40, 9),
    Int32Array.of(16, 40, 10, 12, 13, 14, 15, 16, 17),
  ]
  const whole = (choice: Int32Array): Encoded => ({
    ids: Int32Array.of(...prompt, ...choice),
    mask: Uint8Array.of(...prompt.map(() => 0), ...choice.map(() => 1)),
  })
  const { scoreChoices, scoreDocuments } = createScorer(run)
  const [shared, again] = await scoreChoices([
    { prompt, choices },
    { prompt, choices: [choices[1]!] },
  ])
  const written = await scoreDocuments(choices.map(whole))
  shared!.forEach((sum, i) => {
    expect(sum).toBeCloseTo(written[i]!.sum, 4)
  })
  expect(again![0]).toBeCloseTo(written[1]!.sum, 4)
})

test('questions with the same examples before them stand behind these once, and score as by themselves', async () => {
  const examples = Array.from({ length: 90 }, (_, t) => 3 + ((t * 7) % 50))
  const question = (i: number): number[] =>
    Array.from({ length: 4 + (i % 5) }, (_, t) => 3 + ((i * 11 + t * 5) % 50))
  const groups = Array.from({ length: 9 }, (_, i): ChoiceGroup => {
    // The fourth has other examples, the sixth a choice of two tokens.
    const before = i === 3 ? [...examples].reverse() : examples
    const choices = [[15], [16], i === 5 ? [17, 18] : [17]]
    return {
      prompt: Int32Array.of(...before, ...question(i)),
      choices: choices.map((ids) => Int32Array.from(ids)),
    }
  })
  const pieces = questionPieces(groups)
  expect(pieces.map(({ questions }) => questions)).toEqual([[0, 1, 2], [3], [4], [5], [6, 7, 8]])
  const [first] = pieces
  expect(first!.piece.ids).toHaveLength(90 + 4 + 5 + 6)
  const heard = new Map<number, readonly number[]>()
  const { scoreChoices } = createScorer(run)
  const together = await scoreChoices(groups, (scored) => {
    for (const [index, sums] of scored) heard.set(index, sums)
  })
  for (const [i, group] of groups.entries()) {
    const [alone] = await scoreChoices([group])
    expect(together[i]).toHaveLength(3)
    alone!.forEach((sum, choice) => {
      expect(together[i]![choice]).toBeCloseTo(sum, 5)
    })
    expect(heard.get(i)).toEqual(together[i])
  }
  // Two that share a few tokens more wait for a third that does not; one that shares much less stands by itself.
  const prompts = [
    [...examples, 5, 6, 7, 8],
    [...examples, 5, 6, 9],
    [...examples, 7, 7],
    [...examples.slice(0, 70), 4],
  ]
  const alike = prompts.map((ids) => ({ ...groups[0]!, prompt: Int32Array.from(ids) }))
  expect(questionPieces(alike).map(({ questions }) => questions)).toEqual([[0, 1, 2], [3]])
  expect(questionPieces(alike)[0]!.piece.ids).toHaveLength(90 + 4 + 3 + 2)
  const less = await scoreChoices(alike)
  for (const [i, group] of alike.entries())
    expect(less[i]![0]).toBeCloseTo((await scoreChoices([group]))[0]![0]!, 5)
  // No piece is longer than it may be.
  const many = Array.from({ length: 200 }, () => groups[0]!)
  const lengths = questionPieces(many).map(({ piece }) => piece.ids.length)
  expect(Math.max(...lengths)).toBeLessThanOrEqual(1024)
  expect(Math.max(...questionPieces(many, 120).map(({ piece }) => piece.ids.length))).toBeLessThanOrEqual(120)
})

test('a question and a document share a row without seeing each other', () => {
  const question = choicePiece({
    prompt: Int32Array.of(5, 6),
    choices: [Int32Array.of(7), Int32Array.of(8, 9)],
  })
  const document = documentPiece({ ids: Int32Array.of(2, 3, 4), mask: Uint8Array.of(0, 0, 1) })
  const batch = collateSegments([[question, document]], 1)
  expect([...batch.ids.subarray(0, 7)]).toEqual([5, 6, 8, 2, 3, 4, 0])
  expect([...batch.position.subarray(0, 7)]).toEqual([0, 1, 2, 0, 1, 2, 0])
  expect([...batch.branch.subarray(0, 7)]).toEqual([0, 0, 2, 0, 0, 0, 0])
  expect([...batch.segment.subarray(0, 7)]).toEqual([0, 0, 0, 1, 1, 1, -1])
  expect([...batch.labelSlot.subarray(0, 5)]).toEqual([1, 1, 2, 4, 0])
  expect([...batch.labelId.subarray(0, 5)]).toEqual([7, 8, 9, 4, 0])
  expect([...batch.labelWeight.subarray(0, 5)]).toEqual([1, 1, 1, 1, 0])
})

test('a choice of one token takes no place in the row, and its label sits on the prompt', () => {
  const piece = choicePiece({ prompt: Int32Array.of(5, 6), choices: [Int32Array.of(7), Int32Array.of(8, 9)] })
  expect([...piece.ids]).toEqual([5, 6, 8])
  expect([...piece.position]).toEqual([0, 1, 2])
  expect([...piece.branch]).toEqual([0, 0, 2])
  expect([...piece.labelSlot]).toEqual([1, 1, 2])
  expect([...piece.labelId]).toEqual([7, 8, 9])
  expect([...piece.labelOwner]).toEqual([0, 1, 1])
})

test('every piece lands in exactly one row, and batches stay within their tokens and labels', () => {
  const pieces = Array.from({ length: 300 }, (_, i) => ({
    tokens: 1 + ((i * 37) % 400),
    labels: 1 + (i % 9),
  }))
  const batches = batchRows(pieces, 2048, 64)
  expect(batches.flat(2).sort((a, b) => a - b)).toEqual(pieces.map((_, i) => i))
  const sum = (row: readonly number[], of: 'tokens' | 'labels') =>
    row.reduce((total, i) => total + pieces[i]![of], 0)
  for (const rows of batches) {
    const widest = Math.max(...rows.map((row) => sum(row, 'tokens')))
    expect(Math.ceil(widest / 32) * 32 * rows.length).toBeLessThanOrEqual(2048)
    if (rows.length > 1) expect(sum(rows.flat(), 'labels')).toBeLessThanOrEqual(64)
    // Short ones are packed, long ones stand alone.
    for (const row of rows) expect(row.length === 1 || sum(row, 'tokens') <= 256).toBe(true)
  }
  // One that is longer than a batch still goes.
  expect(batchRows([{ tokens: 5000, labels: 500 }], 2048)).toEqual([[[0]]])
})
