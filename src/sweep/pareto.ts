/** @file Trials that no other beats in everything at once. */
import type { Trial } from '../track/sweep-journal.ts'

export interface Objective {
  /** A name among the trial's metrics; the sweep's own metric goes by its name too. */
  readonly metric: string
  readonly goal: 'minimize' | 'maximize'
}

/** Finished trials that measure all objectives and that none is better than, sorted by the first objective. */
export function paretoFront(trials: readonly Trial[], objectives: readonly Objective[]): readonly Trial[] {
  const points = trials
    .filter(({ status }) => status === 'done')
    .map((trial) => ({
      trial,
      point: objectives.map(
        ({ metric, goal }) => (goal === 'minimize' ? 1 : -1) * (trial.metrics[metric] ?? Number.NaN),
      ),
    }))
    .filter(({ point }) => point.every(Number.isFinite))
  return points
    .filter(({ point }) => !points.some((other) => dominates(other.point, point)))
    .sort((a, b) => a.point[0]! - b.point[0]! || a.trial.index - b.trial.index)
    .map(({ trial }) => trial)
}

/** At least as good in everything, and better in something. */
function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, i) => value <= b[i]!) && a.some((value, i) => value < b[i]!)
}
