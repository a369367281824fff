/**
 * @file What "the same question" means wherever answers of two models are paired: on the command line, on the page
 * and in its exported file. Two items are the same question where they have the same id, the same question text, the same right
 * answer and the same choices. What stands around the question (examples before it, chat turns, a template) may differ: it is
 * still the same question, put in another way, and the difference between the models is still measured item by item. Pure.
 */
import type { JsonObject } from '../../util/json-object.ts'

/** An item, as far as it says what was asked. */
export interface AskedItem {
  readonly id: string
  /** What `questionOf` makes of it. */
  readonly question: string
  readonly detail?: Readonly<Record<string, unknown>>
}

/**
 * What an item asks, as one text. `question` is the question by itself, noted where the prompt has more than it; `document` is
 * the fingerprint of a text that is scored and not asked. An item that says none of these is known by its id alone.
 */
export function questionOf({ question, prompt, reference, choices, document }: JsonObject): string {
  return JSON.stringify([question ?? prompt, reference, choices, document])
}

export interface Pairing<T> {
  /** Items of both that are the same question, in the order of the second. */
  readonly pairs: readonly (readonly [first: T, second: T])[]
  /** How many of the second have the id of one of the first and ask something else. */
  readonly other: number
  /** How many only one of the two has. */
  readonly alone: number
  /** How many pairs were put in another way: their prompts differ, by what stands before the question. */
  readonly reworded: number
}

export function pairItems<T extends AskedItem>(first: readonly T[], second: readonly T[]): Pairing<T> {
  const before = new Map(first.map((item) => [item.id, item]))
  const common = second.filter(({ id }) => before.has(id))
  const same = common.filter(({ id, question }) => before.get(id)!.question === question)
  const pairs = same.map((item) => [before.get(item.id)!, item] as const)
  const reworded = pairs.filter(([a, b]) => promptOf(a) !== promptOf(b)).length
  const alone = first.length + second.length - 2 * common.length
  return { pairs, other: common.length - same.length, alone, reworded }
}

const promptOf = ({ detail }: AskedItem): string | undefined => JSON.stringify(detail?.prompt)

/** That so many of the pairs were put in another way, as a reader is told it. */
export function rewordedText(reworded: number, pairs: number): string {
  return `${reworded} of ${pairs} questions have other text before them (examples, a system text)`
}
