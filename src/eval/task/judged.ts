/** @file A task whose answers are judged by another model: the items of the task, with the judge's score as their own. */
import type { EvalItem, EvalOutcome, Evaluation } from '../../plugin/contract.ts'
import { InputError } from '../../util/errors.ts'
import { type Judgement, type JudgeOptions, judge } from '../judge.ts'

/** Judgements that are asked for at a time. */
const AT_ONCE = 4

/**
 * The evaluation with a judge behind it. Items that could not be judged are left out and counted by what went wrong.
 * @throws InputError where not one item could be judged
 */
export function judgedTask(task: Evaluation, options: JudgeOptions): Evaluation {
  return {
    ...task,
    async evaluate(subject) {
      const outcome = await task.evaluate(subject)
      const judgements = await judgeAll(outcome.items, options)
      return withJudgements(outcome, judgements, options)
    },
  }
}

async function judgeAll(items: readonly EvalItem[], options: JudgeOptions): Promise<readonly Judgement[]> {
  const found: Judgement[] = new Array(items.length)
  let next = 0
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) {
      const { prompt, prediction, reference } = items[i]!.detail ?? {}
      const text = { question: String(prompt), answer: String(prediction), reference: String(reference) }
      found[i] = await judge(text, options)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return found
}

const FAILURES = ['timeout', 'unreachable', 'refused', 'no-score'] as const

function withJudgements(
  { metric, items, extra }: EvalOutcome,
  judgements: readonly Judgement[],
  { url, model }: JudgeOptions,
): EvalOutcome {
  const judged = items.flatMap((item, i): EvalItem[] => {
    const judgement = judgements[i]!
    if ('failure' in judgement) return []
    const { score, said } = judgement
    return [
      {
        ...item,
        score,
        also: { [metric]: item.score, ...item.also },
        detail: { ...item.detail, judge: said },
      },
    ]
  })
  if (judged.length === 0) {
    const first = judgements.find((judgement) => 'failure' in judgement)
    throw new InputError(
      `judge ${model} at ${url}: none of ${items.length} answers could be judged (${first && 'failure' in first ? `${first.failure}: ${first.said}` : 'no items'})`,
    )
  }
  const failures = FAILURES.map((kind): [string, number] => [
    `judge_${kind.replace('-', '_')}`,
    judgements.filter((judgement) => 'failure' in judgement && judgement.failure === kind).length,
  ]).filter(([, count]) => count > 0)
  return {
    metric: 'judge',
    better: 'higher',
    items: judged,
    extra: { ...extra, judge_failures: items.length - judged.length, ...Object.fromEntries(failures) },
    about: { judge_model: model, judge_url: url },
  }
}
