/** @file What is shown of a sweep's trials, worked out. Pure. */
import type { Distribution, Params, Space } from '../../../plugin/contract.ts'
import { type Importance, importances } from '../../../sweep/importance.ts'
import type { Trial, TrialStatus } from '../../../track/sweep-journal.ts'
import { ranking } from '../../../track/sweep-trials.ts'
import type { SweepDetail } from '../../shared/wire.ts'

/** In the order in which they are told. */
export const STATUSES: readonly TrialStatus[] = ['running', 'done', 'pruned', 'failed', 'waiting']

/** What a trial came to, or came to so far. */
export function figureOf({ value, reports }: Trial): number | undefined {
  const found = value ?? reports.at(-1)?.value
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined
}

/** Parameters that may differ between trials. */
export function searched(space: Space): Space {
  return space.filter(
    ({ distribution }) => distribution.kind !== 'categorical' || distribution.values.length > 1,
  )
}

/** Finished trials, the best first. */
export function ranked({ metric, trials }: Pick<SweepDetail, 'metric' | 'trials'>): readonly Trial[] {
  // A page reads a value that is no number as null.
  return ranking({ header: { metric }, trials: trials.filter((trial) => figureOf(trial) !== undefined) })
}

/** Those that run first, then finished ones by their value, then those that were ended early and that failed. */
export function inOrder(sweep: Pick<SweepDetail, 'metric' | 'trials'>): readonly Trial[] {
  const best = ranked(sweep)
  const others = STATUSES.flatMap((status) => sweep.trials.filter((trial) => trial.status === status))
  const first = others.filter(({ status }) => status === 'running')
  return [...new Set([...first, ...best, ...others])]
}

/** The best value after each finished trial, in the order of the trials; a place where it became better. */
export function bestSoFar({
  metric,
  trials,
}: Pick<SweepDetail, 'metric' | 'trials'>): readonly { readonly index: number; readonly value: number }[] {
  const better = (a: number, b: number): boolean => (metric.goal === 'minimize' ? a < b : a > b)
  const steps: { index: number; value: number }[] = []
  for (const trial of trials) {
    const value = trial.status === 'done' ? figureOf(trial) : undefined
    const last = steps.at(-1)
    if (value !== undefined && (last === undefined || better(value, last.value)))
      steps.push({ index: trial.index, value })
  }
  return steps
}

/** `4, 8, 16`, `0.0005 to 0.01, log`, `8 to 512 in steps of 8`. */
export function distributionText(distribution: Distribution): string {
  if (distribution.kind === 'categorical') return distribution.values.map(valueText).join(', ')
  const { min, max, scale, step, kind } = distribution
  const steps = step !== undefined && !(kind === 'int' && step === 1) ? ` in steps of ${step}` : ''
  return `${valueText(min)} to ${valueText(max)}${steps}${scale === 'log' ? ', log' : ''}${kind === 'int' ? ', whole' : ''}`
}

/** A setting as one would write it, to six digits. */
export function valueText(value: unknown): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(6)))
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The values of the searched parameters: `adapter.rank=8 optimizer.lr=0.0021`. */
export function paramsText(params: Params, space: Space): string {
  return searched(space)
    .filter(({ path }) => Object.hasOwn(params, path))
    .map(({ path }) => `${path}=${valueText(params[path])}`)
    .join(' ')
}

/** How much each parameter mattered; empty where there are too few trials. */
export function sharesOf({ space, trials, metric }: SweepDetail): readonly Importance[] {
  return importances(space, trials, metric.goal)
}

/** Why trials failed, the commonest reason first. */
export function reasonsOf(
  trials: readonly Trial[],
): readonly { readonly reason: string; readonly trials: readonly Trial[] }[] {
  const reasons = new Map<string, Trial[]>()
  for (const trial of trials) {
    if (trial.status !== 'failed') continue
    const reason = trial.reason ?? ''
    reasons.set(reason, [...(reasons.get(reason) ?? []), trial])
  }
  return [...reasons]
    .map(([reason, failed]) => ({ reason, trials: failed }))
    .sort((a, b) => b.trials.length - a.trials.length)
}
