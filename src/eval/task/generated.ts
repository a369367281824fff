/** @file A task asked by letting the model write: choices are read from its answer by named rules, texts are compared with a target. */
import type { EvalItem, Generation, Subject } from '../../plugin/contract.ts'
import { majority, type ReadAnswer, readAnswer } from './answers.ts'
import { type Ask, askedDetail, promptSpans } from './ask.ts'
import type { MetricName, RuleName, TaskDefinition } from './definition.ts'
import type { TaskItem } from './items.ts'
import type { Answers, AskedItem } from './likelihood.ts'
import { exactMatch, rougeL, tokenF1 } from './text-metrics.ts'

/** `seed` decides what is drawn, where something is. */
export async function askByGenerating(
  task: TaskDefinition,
  asked: readonly AskedItem[],
  subject: Subject,
  seed: number,
): Promise<Answers> {
  const { samples, stop, max_tokens, ...sampling } = task.generate
  // However long an answer may be, half of the positions are the prompt's.
  const room = Math.max(subject.maxLength - max_tokens, Math.ceil(subject.maxLength / 2))
  const wholes = asked.map(({ ask }) => subject.encode(promptSpans(subject, ask)).ids)
  const prompts = wholes.flatMap((ids) => Array.from({ length: samples }, () => ids.subarray(-room)))
  const answers = await subject.generate(prompts, { ...sampling, max_tokens, stop, seed })
  const texts = asked.map((_, i) => answers.slice(i * samples, (i + 1) * samples))
  const cut = wholes.filter((ids) => ids.length > room).length
  const unfinished = answers.filter(({ finish }) => finish === 'length').length
  const counts = { unfinished, ...(cut > 0 ? { cut_prompts: cut } : {}) }
  if (task.choices === undefined) {
    return {
      items: asked.map(({ item, ask }, i) => compare(task.metrics, item, ask, texts[i]!)),
      extra: counts,
    }
  }
  const read = asked.map(({ item, ask }, i) => judge(task.rules, item, ask, texts[i]!))
  const chance = asked.reduce((total, { item }) => total + 1 / item.choices.length, 0) / asked.length
  return {
    items: read.map(({ item }) => item),
    extra: { chance, ...countSteps(task.rules, read), ...counts },
  }
}

interface Read {
  readonly item: EvalItem
  /** What each rule made of each sample. */
  readonly answers: Readonly<Record<string, readonly ReadAnswer[]>>
}

function judge(
  rules: readonly RuleName[],
  { id, choices, options, answer, cluster, reference }: TaskItem,
  ask: Ask,
  samples: readonly Generation[],
): Read {
  const answers = Object.fromEntries(
    rules.map((rule) => [rule, samples.map(({ text }) => readAnswer(rule, text, choices, options))]),
  )
  const scores = rules.map((rule) => (isRight(answers[rule]!, answer) ? 1 : 0))
  const [headline, ...others] = rules
  const share =
    answers[headline!]!.filter(({ choices: given }) => given.includes(answer)).length / samples.length
  const also = {
    ...Object.fromEntries(others.map((rule, i) => [rule, scores[i + 1]!])),
    ...(samples.length > 1 ? { mean_of_samples: share } : {}),
  }
  return {
    answers,
    item: {
      id,
      score: scores[0]!,
      weight: 1,
      ...(cluster === undefined ? {} : { cluster }),
      ...(Object.keys(also).length === 0 ? {} : { also }),
      detail: {
        ...askedDetail(ask),
        outputs: samples.map(({ text }) => text),
        prediction: named(voted(answers[headline!]!), choices),
        ...Object.fromEntries(
          others.map((rule) => [`prediction_${rule}`, named(voted(answers[rule]!), choices)]),
        ),
        reference,
      },
    },
  }
}

/** With one answer, the better of its first and last counts; several vote, each with its last. */
function isRight(answers: readonly ReadAnswer[], right: number): boolean {
  const [only, ...more] = answers
  return more.length === 0 ? only!.choices.includes(right) : voted(answers) === right
}

const voted = (answers: readonly ReadAnswer[]): number | undefined =>
  majority(answers.map(({ choices }) => choices.at(-1)))

const named = (choice: number | undefined, choices: readonly string[]): string | null =>
  choice === undefined ? null : choices[choice]!

/** Items without an answer by each rule, and answers that a generous rule only guessed. */
function countSteps(rules: readonly RuleName[], read: readonly Read[]): Record<string, number> {
  const count = (rule: RuleName, by: ReadAnswer['by']): number =>
    read.filter(({ answers }) => answers[rule]!.every((answer) => answer.by === by)).length
  return Object.fromEntries(
    rules.flatMap((rule) => [
      [`unanswered_${rule}`, count(rule, 'none')],
      ...(rule === 'flexible'
        ? [
            ['flexible_by_letter', count(rule, 'alone')],
            ['flexible_by_text', count(rule, 'option')],
            ['flexible_by_similarity', count(rule, 'similar')],
          ]
        : []),
    ]) as [string, number][],
  )
}

const TEXT_METRICS: { readonly [K in MetricName]?: (text: string, reference: string) => number } = {
  exact_match: exactMatch,
  f1: tokenF1,
  rouge_l: rougeL,
}

/** Of several samples the mean of their scores. */
function compare(
  metrics: readonly MetricName[],
  { id, cluster, reference }: TaskItem,
  ask: Ask,
  samples: readonly Generation[],
): EvalItem {
  const scores = metrics.map((metric) => {
    const each = samples.map(({ text }) => TEXT_METRICS[metric]!(text, reference))
    return each.reduce((sum, score) => sum + score, 0) / each.length
  })
  const also = Object.fromEntries(metrics.slice(1).map((metric, i) => [metric, scores[i + 1]!]))
  return {
    id,
    score: scores[0]!,
    weight: 1,
    ...(cluster === undefined ? {} : { cluster }),
    ...(metrics.length > 1 ? { also } : {}),
    detail: {
      ...askedDetail(ask),
      outputs: samples.map(({ text }) => text),
      prediction: samples[0]!.text,
      reference,
    },
  }
}
