/** @file What the trials of a sweep come to together. Pure. */
import type { SweepMetric, Trial, TrialStatus } from './sweep-journal.ts'

interface Ranked {
  readonly header: { readonly metric: Pick<SweepMetric, 'goal'> }
  readonly trials: readonly Trial[]
}

/** Finished trials with a value, the best first; equal ones in the order they were asked for. */
export function ranking({ header, trials }: Ranked): readonly Trial[] {
  const sign = header.metric.goal === 'minimize' ? 1 : -1
  return trials
    .filter(({ status, value }) => status === 'done' && value !== undefined)
    .sort((a, b) => sign * (a.value! - b.value!) || a.index - b.index)
}

/** How many trials stand where. */
export function countTrials(trials: readonly Trial[]): Readonly<Record<TrialStatus, number>> {
  const counts = { waiting: 0, running: 0, done: 0, pruned: 0, failed: 0 }
  for (const { status } of trials) counts[status]++
  return counts
}
