/** @file What the embedded model will read: the text that its vocabulary is learned from. */
import { makeSplit } from '../facts/split.ts'
import { readTable } from '../facts/table.ts'
import { pretrainDocuments } from '../facts/text.ts'

/** Of the shipped text and split. Another split asks about the same conditions in the same words. */
const SEED = 1

/** The documents to pre-train on, and the words of the tuning rows' turns as the quickstart's template writes them. */
export function projectTexts(): string[] {
  const table = readTable()
  const turns = makeSplit(table, SEED).train.map(
    ({ Question, Complex_CoT, Response }) =>
      `user\n${Question}\nmodel\n${Complex_CoT}\n\nFinal Answer: ${Response}`,
  )
  return [...pretrainDocuments(table, SEED), ...turns]
}
