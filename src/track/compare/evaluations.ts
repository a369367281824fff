/** @file The evaluations of several runs: each with its interval, and paired with the first on the same items. */
import { compareItems, holm, type Verdict, verdict } from '../../util/paired.ts'
import { estimate } from '../../util/statistics.ts'
import type { RowEval, RunRow } from '../read/run-row.ts'
import type { ItemRow } from './items.ts'

export interface EvalCell {
  readonly value: number
  readonly ci95?: readonly [number, number]
  readonly n?: number
}

/** A run against the first one. */
export interface EvalDifference {
  readonly value: number
  readonly ci95: readonly [number, number]
  readonly n: number
  readonly p: number
  /** `p` after Holm's correction for all runs that are compared with the first. */
  readonly p_holm: number
  readonly test: string
  /** Smallest true difference that so many items would show in 80 of 100 runs; NaN where no score changed. */
  readonly mde: number
  readonly verdict: Verdict
  readonly wins: number
  readonly ties: number
  readonly losses: number
  /** Items of the same id that ask something else, and so are left out. */
  readonly other: number
}

export interface EvalTable {
  readonly name: string
  readonly metric: string
  readonly better: 'higher' | 'lower'
  /** A cell a run; null where the run has not this evaluation. */
  readonly base: readonly (EvalCell | null)[]
  readonly tuned: readonly (EvalCell | null)[]
  /** Null for the first run and where no item is shared. */
  readonly difference: readonly (EvalDifference | null)[]
}

/** How far run `i` lies from the first where no item tells more: of its figure alone; undefined for the first. */
export function gapOf({ tuned }: EvalTable, i: number): number | undefined {
  const [first, own] = [tuned[0], tuned[i]]
  return i > 0 && first && own ? own.value - first.value : undefined
}

export interface RunItems {
  readonly row: RunRow
  /** Items of the tuned model; of the base model where there are none. */
  items(evaluation: string): Promise<readonly ItemRow[]>
}

const SEED = 1

/** One table for each evaluation that any of the runs has. */
export async function compareEvaluations(runs: readonly RunItems[]): Promise<EvalTable[]> {
  const names = new Set(runs.flatMap(({ row }) => row.evals.map(({ name }) => name)))
  return Promise.all([...names].map((name) => compareOne(name, runs)))
}

async function compareOne(name: string, runs: readonly RunItems[]): Promise<EvalTable> {
  const evals = runs.map(({ row }) => row.evals.find((one) => one.name === name))
  const { metric, better } = evals.find((one) => one !== undefined)!
  const items = await Promise.all(runs.map((run) => run.items(name)))
  const cell = (which: 'base' | 'tuned') => (one: RowEval | undefined, i: number) =>
    one?.[which] ?? (which === 'tuned' && items[i]!.length > 0 ? estimate(items[i]!) : null)
  const pairs = items.map((own, i) => (i === 0 ? null : pairUp(items[0]!, own, better)))
  // The first run is compared with none: it is no test of the family.
  const corrected = holm(pairs.flatMap((pair) => (pair ? [pair.p] : [])))
  return {
    name,
    metric,
    better,
    base: evals.map(cell('base')),
    tuned: evals.map(cell('tuned')),
    difference: pairs.map((pair) => {
      if (!pair) return null
      const p_holm = corrected.shift()!
      return { ...pair, p_holm, verdict: verdict(pair, p_holm, better) }
    }),
  }
}

function pairUp(
  first: readonly ItemRow[],
  second: readonly ItemRow[],
  better: 'higher' | 'lower',
): Omit<EvalDifference, 'p_holm' | 'verdict'> | null {
  const before = new Map(first.map((item) => [item.id, item]))
  const common = second.filter(({ id }) => before.has(id))
  const same = common.filter(({ id, question }) => before.get(id)!.question === question)
  if (same.length === 0) return null
  const { value, ci95, n, p, test, mde } = compareItems(first, same, SEED)
  const sign = better === 'higher' ? 1 : -1
  const changes = same.map((item) => sign * (item.score - before.get(item.id)!.score))
  const wins = changes.filter((change) => change > 0).length
  const losses = changes.filter((change) => change < 0).length
  const ties = same.length - wins - losses
  return { value, ci95, n, p, test, mde, wins, ties, losses, other: common.length - same.length }
}
