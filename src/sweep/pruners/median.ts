/**
 * @file Ends a trial whose best value so far is worse than the median of what the others had on average by the same
 * step: the median stopping rule of Golovin et al., "Google Vizier" (2017).
 */
import type { Pruner, Reports } from '../../plugin/contract.ts'

export interface MedianOptions {
  /** Steps that every trial may take. */
  readonly warmup: number
  /** Trials that must have come as far before any is ended. */
  readonly startup: number
}

export function median({ warmup, startup }: MedianOptions): Pruner {
  return {
    prune(trial, others) {
      const { step } = trial.reports.at(-1)!
      if (step < warmup) return undefined
      const means = others
        .filter((other) => other.reports.at(-1)!.step >= step)
        .map((other) => meanUntil(other, step))
      if (means.length < startup) return undefined
      const best = Math.min(...trial.reports.map(({ value }) => value))
      const middle = medianOf(means)
      if (best <= middle) return undefined
      return `at step ${step} its best, ${figure(best)}, is worse than the median of ${means.length} others, ${figure(middle)}`
    },
  }
}

function meanUntil({ reports }: Reports, step: number): number {
  const values = reports.filter((report) => report.step <= step).map(({ value }) => value)
  // A trial may report for the first time beyond that step.
  if (values.length === 0) return reports[0]!.value
  return values.reduce((total, value) => total + value, 0) / values.length
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const figure = (value: number): string => String(Number(value.toPrecision(5)))
