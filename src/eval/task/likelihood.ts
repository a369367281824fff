/** @file A task asked by log-probability: the likeliest choice is the model's answer. */
import type { ChoiceGroup, EvalItem, Subject } from '../../plugin/contract.ts'
import { type Ask, askedDetail, choiceGroup, fitGroups, promptSpans } from './ask.ts'
import type { TaskDefinition } from './definition.ts'
import type { TaskItem } from './items.ts'

/** An item with everything that stands before its answer. */
export interface AskedItem {
  readonly item: TaskItem
  readonly ask: Ask
}

export interface Answers {
  readonly items: readonly EvalItem[]
  readonly extra: Readonly<Record<string, number>>
}

/** @throws RecipeError for a choice that adds no token */
export async function askByLikelihood(
  task: TaskDefinition,
  asked: readonly AskedItem[],
  subject: Subject,
): Promise<Answers> {
  const wholes = asked.map(({ item, ask }) => encodeItem(task, item, ask, subject))
  const { groups, owners, cut } = fitGroups(wholes, subject.maxLength)
  const scores = await subject.scoreChoices(groups)
  const logprobs = asked.map((): number[] => [])
  scores.forEach((sums, i) => {
    logprobs[owners[i]!]!.push(...sums)
  })
  const judged = asked.map(({ item, ask }, i) => judge(task, item, ask, logprobs[i]!))
  const chance = asked.reduce((total, { item }) => total + 1 / item.choices.length, 0) / asked.length
  return {
    items: judged.map(({ item }) => item),
    extra: {
      chance,
      ties: judged.filter(({ tie }) => tie).length,
      ...(cut > 0 ? { cut_prompts: cut } : {}),
    },
  }
}

function encodeItem(
  task: TaskDefinition,
  { id, choices }: TaskItem,
  ask: Ask,
  subject: Subject,
): ChoiceGroup {
  const delimiter = ask.chat ? '' : ask.delimiter
  try {
    return choiceGroup(
      (spans) => subject.encode(spans),
      promptSpans(subject, ask),
      choices.map((choice) => delimiter + choice),
    )
  } catch (error) {
    if (error instanceof RangeError) throw task.file.error('choices', `item ${id}: ${error.message}`)
    throw error
  }
}

function judge(
  task: TaskDefinition,
  { id, choices, answer, cluster }: TaskItem,
  ask: Ask,
  logprobs: readonly number[],
): { readonly item: EvalItem; readonly tie: boolean } {
  const best = firstHighest(logprobs)
  const perCharacter = firstHighest(logprobs.map((logprob, i) => logprob / [...choices[i]!].length))
  const scores = { acc: best === answer ? 1 : 0, acc_norm: perCharacter === answer ? 1 : 0 }
  const [headline, ...others] = task.metrics as readonly (keyof typeof scores)[]
  return {
    item: {
      id,
      score: scores[headline!],
      weight: 1,
      ...(cluster === undefined ? {} : { cluster }),
      ...(others.length === 0
        ? {}
        : { also: Object.fromEntries(others.map((name) => [name, scores[name]])) }),
      detail: {
        ...askedDetail(ask),
        choices,
        logprobs,
        prediction: choices[best] ?? null,
        reference: choices[answer],
      },
    },
    tie: best >= 0 && logprobs.filter((logprob) => logprob === logprobs[best]).length > 1,
  }
}

/** Index of the first largest value; -1 where a model's numbers have run away, which is no answer. */
export function firstHighest(values: readonly number[]): number {
  if (values.some(Number.isNaN)) return -1
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0)
}
