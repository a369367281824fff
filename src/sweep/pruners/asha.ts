/**
 * @file Asynchronous successive halving, Li et al., "A System for Massively Parallel Hyperparameter Tuning" (2020),
 * in the form that stops: at each rung a trial goes on only where it is among the best of those that have come so
 * far. Nobody waits for anybody.
 */
import type { Pruner, Reports } from '../../plugin/contract.ts'

export interface AshaOptions {
  /** The first rung, in optimizer steps; the next ones lie at `eta` times it, and so on. */
  readonly min_step: number
  /** One in `eta` goes on at each rung. */
  readonly eta: number
}

export function asha({ min_step, eta }: AshaOptions): Pruner {
  return {
    prune(trial, others) {
      const rung = rungReached(trial, min_step, eta)
      if (rung === undefined) return undefined
      const own = valueAt(trial, rung)!
      const values = others.map((other) => valueAt(other, rung)).filter((value) => value !== undefined)
      const places = Math.max(1, Math.floor((values.length + 1) / eta))
      const better = values.filter((value) => value < own).length
      if (better < places) return undefined
      return `at rung ${rung} it is number ${better + 1} of ${values.length + 1}, and ${places} of them go on`
    },
  }
}

/** The highest rung that the last report is the first one to reach. */
function rungReached({ reports }: Reports, first: number, eta: number): number | undefined {
  const last = reports.at(-1)!.step
  const before = reports.at(-2)?.step ?? 0
  let reached: number | undefined
  for (let rung = first; rung <= last; rung *= eta) if (rung > before) reached = rung
  return reached
}

/** What a trial had at a rung: its first report there or beyond; undefined before. */
function valueAt({ reports }: Reports, rung: number): number | undefined {
  return reports.find(({ step }) => step >= rung)?.value
}
