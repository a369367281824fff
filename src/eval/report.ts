/** @file What a report says of an evaluation: base and tuned with their uncertainty, and the paired difference. */
import type { EvalOutcome } from '../plugin/contract.ts'
import { compareItems } from '../util/paired.ts'
import { estimate } from '../util/statistics.ts'

/** The headline figure under its own name, such as `accuracy`, beside `n`, `stderr` and `ci95`. */
export type Scores = Readonly<Record<string, number | string | readonly [number, number]>>

export interface EvalReport {
  readonly metric: string
  readonly better: 'higher' | 'lower'
  readonly base: Scores
  readonly tuned: Scores
  /** tuned - base, with the two-sided p-value `p` of the `test` named. */
  readonly difference: Scores
}

export function outcomeScores({ metric, items, extra }: EvalOutcome): Scores {
  const { value, n, stderr, ci95 } = estimate(items)
  return { [metric]: value, n, stderr, ci95, ...extra }
}

export function compareOutcomes(base: EvalOutcome, tuned: EvalOutcome, seed: number): EvalReport {
  const { value, n, stderr, ci95, p, test, mde } = compareItems(base.items, tuned.items, seed)
  return {
    metric: tuned.metric,
    better: tuned.better,
    base: outcomeScores(base),
    tuned: outcomeScores(tuned),
    difference: { [tuned.metric]: value, n, stderr, ci95, p, test, mde },
  }
}
