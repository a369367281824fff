/** @file The evaluations of several runs: each with its interval, and paired with the first on the same items. */
import { compareItems, holm, type Verdict, verdict } from '../../util/paired.ts'
import { estimate } from '../../util/statistics.ts'
import type { RowEval, RunRow } from '../read/run-row.ts'
import type { ItemRow } from './items.ts'
import { type Pairing, pairItems, rewordedText } from './question.ts'

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
  /** How its questions differ from those of the first run, or how they were put: sentences, none where all is alike. */
  readonly remarks: readonly (readonly string[])[]
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
  const paired = items.map((own) => pairItems(items[0]!, own))
  const pairs = paired.map((pairing, i) => (i === 0 ? null : measure(pairing, better)))
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
    remarks: paired.map((pairing, i) => remarksOf(pairing, runs[0]!.row, runs[i]!.row)),
  }
}

type Measured = Omit<EvalDifference, 'p_holm' | 'verdict'>

function measure({ pairs }: Pairing<ItemRow>, better: 'higher' | 'lower'): Measured | null {
  if (pairs.length === 0) return null
  const [first, second] = [pairs.map(([one]) => one), pairs.map(([, other]) => other)]
  const { value, ci95, n, p, test, mde } = compareItems(first, second, SEED)
  const sign = better === 'higher' ? 1 : -1
  const changes = pairs.map(([one, other]) => sign * (other.score - one.score))
  const wins = changes.filter((change) => change > 0).length
  const losses = changes.filter((change) => change < 0).length
  return { value, ci95, n, p, test, mde, wins, ties: pairs.length - wins - losses, losses }
}

/** What a reader must know of the pairs to read the difference right. */
function remarksOf(pairing: Pairing<ItemRow>, first: RunRow, own: RunRow): string[] {
  const { pairs, other, alone, reworded } = pairing
  const isTemplate = (key: string): boolean => key === 'template' || key.startsWith('template.')
  const template = ({ config }: RunRow): string =>
    JSON.stringify(
      Object.entries(config)
        .filter(([key]) => isTemplate(key))
        .sort(),
    )
  return [
    ...(pairs.length > 0 && alone > 0 ? [`${alone} items are in one of the two only and were left out`] : []),
    ...(other > 0 ? [`${other} items have the id of another question there and were left out`] : []),
    ...(reworded > 0 ? [rewordedText(reworded, pairs.length)] : []),
    ...(pairs.length > 0 && template(first) !== template(own)
      ? ['another template: what goes through it was put in another way']
      : []),
  ]
}
