/** @file The importance of settings over any runs, by the measure that a sweep takes. */
import type { SweepParameter } from '../../../plugin/contract.ts'
import { type Importance, importances } from '../../../sweep/importance.ts'
import type { RunRow } from '../../../track/read/run-row.ts'
import { fieldOf } from '../../../track/row-fields.ts'
import type { Trial } from '../../../track/sweep-journal.ts'

/** Finished runs below which nothing is said. */
export const FEWEST = 8
/** Numbers of so many different values are a range, not a list. */
const MANY = 8

/**
 * Shares of what single settings explain of a figure; the largest first. Trials that a sweep ended early count too:
 * those that were left would tell the good from the best.
 */
export function importancesOf(
  rows: readonly RunRow[],
  settings: readonly string[],
  goal: string,
  lowerIsBetter: boolean,
): readonly Importance[] {
  const scored = rows.flatMap((row) => {
    const value = fieldOf(row, goal)
    const ended = row.status === 'stopped' && row.sweep !== undefined
    return (row.status === 'done' || ended) && typeof value === 'number' && Number.isFinite(value)
      ? [{ row, value, status: ended ? ('pruned' as const) : ('done' as const) }]
      : []
  })
  if (scored.length < FEWEST) return []
  const space = settings.map((path) =>
    parameterOf(
      path,
      scored.map(({ row }) => row.config[path]),
    ),
  )
  const trials = scored.map(({ row, value, status }, index): Trial => {
    const params = Object.fromEntries(
      settings.filter((path) => row.config[path] !== undefined).map((path) => [path, row.config[path]]),
    )
    return {
      id: row.id,
      index,
      params,
      status,
      attempt: 1,
      failures: 0,
      losses: 0,
      value,
      metrics: {},
      reports: [{ step: row.step, value }],
      asked: '',
    }
  })
  return importances(space, trials, lowerIsBetter ? 'minimize' : 'maximize')
}

function parameterOf(path: string, values: readonly unknown[]): SweepParameter {
  const unique = [...new Set(values.filter((value) => value !== undefined))]
  const numbers = unique.filter((value): value is number => typeof value === 'number')
  const few = numbers.length < MANY || numbers.length < unique.length
  if (few) return { path, distribution: { kind: 'categorical', values: unique }, when: [] }
  const [min, max] = [Math.min(...numbers), Math.max(...numbers)]
  const scale = min > 0 && max / min >= 10 ? 'log' : 'linear'
  return { path, distribution: { kind: 'float', min, max, scale }, when: [] }
}
