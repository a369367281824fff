/** @file A task whose answers are judged by another model: the items of the task, with the judge's score as their own. */
import { createHash } from 'node:crypto'
import type { EvalItem, EvalOutcome, Evaluation, Subject } from '../../plugin/contract.ts'
import { cacheFolder } from '../../util/cache-folder.ts'
import { InputError } from '../../util/errors.ts'
import { type Judgement, type JudgeOptions, judge } from '../judge.ts'
import { Store } from '../score-store.ts'

/** Changes whenever the same answer of a judge would be read differently. */
const VERSION = 1
/** Judgements that are asked for at a time. */
const AT_ONCE = 4

/**
 * The evaluation with a judge behind it. Items that could not be judged are left out and counted by what went wrong.
 * @throws InputError where not one item could be judged, or the first calls reach nobody
 */
export function judgedTask(task: Evaluation, options: JudgeOptions): Evaluation {
  return {
    ...task,
    async evaluate(subject) {
      const outcome = await task.evaluate(subject)
      const judgements = await judgeAll(outcome.items, options, subject)
      return withJudgements(outcome, judgements, options)
    },
  }
}

/** So many failures in a row, none of them an answer of the judge, and no judgement at all: it is not there. */
const HOPELESS = 8

/** What was judged before is not asked again, whatever is judged beside it. @throws InputError where nobody answers */
async function judgeAll(
  items: readonly EvalItem[],
  options: JudgeOptions,
  { signal, progress }: Pick<Subject, 'signal' | 'progress'>,
): Promise<readonly Judgement[]> {
  const texts = items.map(({ detail: { question, prompt, prediction, reference } = {} }) => ({
    question: String(question ?? prompt),
    answer: String(prediction),
    reference: String(reference),
  }))
  const { url, model, prompt, scale } = options
  const place = { folder: cacheFolder('judgements'), model: hashOf([VERSION, url, model, prompt, scale]) }
  const kept = new Store<Judgement, string>(place, 'judgements')
  const keys = texts.map(hashOf)
  const missing = kept.missing(keys)
  const failed = new Map<number, Judgement>()
  let [next, done] = [0, items.length - missing.length]
  let heard = false
  const lane = async (): Promise<void> => {
    while (next < missing.length) {
      const index = missing[next++]!
      const judgement = await judge(texts[index]!, options, signal)
      if ('failure' in judgement) failed.set(index, judgement)
      else kept.add([[keys[index]!, judgement]])
      heard ||= !('failure' in judgement)
      done++
      progress?.(done, items.length)
      if (!heard && isHopeless([...failed.values()])) next = missing.length
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  signal?.throwIfAborted()
  if (done < items.length) throw notThere([...failed.values()], url, model)
  return items.map((_, index) => failed.get(index) ?? kept.known.get(keys[index]!)!)
}

const isHopeless = (failed: readonly Judgement[]): boolean =>
  failed.length >= HOPELESS && failed.every((one) => 'failure' in one && one.failure !== 'no-score')

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
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
    throw new InputError(
      `judge ${model} at ${url}: none of ${items.length} answers could be judged (${firstFailure(judgements)})`,
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

/** Given up after the first calls; what the model wrote is kept, so that the same command goes on from there. */
function notThere(failed: readonly Judgement[], url: string, model: string): InputError {
  return new InputError(
    `judge ${model} at ${url}: does not answer, ${failed.length} calls failed (${firstFailure(failed)})`,
  )
}

function firstFailure(judgements: readonly Judgement[]): string {
  const first = judgements.find((judgement) => 'failure' in judgement)
  return first && 'failure' in first ? `${first.failure}: ${first.said}` : 'no items'
}
