/** @file The figures of a run by name, from its report or, where there is none, from its events. */

import { isObject, type JsonObject, own } from '../../util/json-object.ts'
import { toNumber } from '../json.ts'
import type { RowEval } from './run-row.ts'
import type { Stream } from './run-stream.ts'

/** The report's evaluations, and what the events say of others: those of a run without a report, and `holdout`. */
export function evalsOf(report: JsonObject, stream: Stream): RowEval[] {
  const told = Object.entries(isObject(report.eval) ? report.eval : {}).flatMap(([name, value]) =>
    isObject(value) && typeof value.metric === 'string' ? [reported(name, value.metric, value)] : [],
  )
  const known = new Set(told.map(({ name }) => name))
  return [...told, ...measured(stream).filter(({ name }) => !known.has(name))]
}

/** The first and the last measurement; the first is of the base model only where it came before any step. */
function measured({ header, whole }: Stream): RowEval[] {
  return Object.entries(header.tables).flatMap(([table, { columns }]) => {
    const metric = Object.keys(columns).find((key) => key !== 'time' && key !== 'step')
    if (!table.startsWith('eval.') || !metric) return []
    const { first, last } = columns[metric]!
    const steps = own(columns, 'step')
    const name = table.slice('eval.'.length)
    const better = LOWER.test(metric) ? 'lower' : 'higher'
    const base = whole && steps?.first === 0 ? { base: { value: first } } : {}
    return [
      {
        name,
        metric,
        better,
        ...base,
        ...(steps && steps.last > 0 ? { tuned: { value: last } } : {}),
      } as RowEval,
    ]
  })
}

const LOWER = /loss|perplexity|error|nll/

function reported(name: string, metric: string, value: JsonObject): RowEval {
  const part = (key: 'base' | 'tuned' | 'difference'): object => {
    const scores = value[key]
    if (!isObject(scores)) return {}
    const ci95 = Array.isArray(scores.ci95) ? scores.ci95.map((end) => toNumber(end) ?? Number.NaN) : []
    const [n, p] = [toNumber(scores.n), toNumber(scores.p)]
    return {
      [key]: {
        value: toNumber(scores[metric]) ?? Number.NaN,
        ...(ci95.length === 2 ? { ci95 } : {}),
        ...(n === undefined ? {} : { n }),
        ...(p === undefined ? {} : { p }),
      },
    }
  }
  const better = value.better === 'lower' ? 'lower' : 'higher'
  return { name, metric, better, ...part('base'), ...part('tuned'), ...part('difference') }
}

export function figuresOf(
  report: JsonObject,
  stream: Stream,
  evals: readonly RowEval[],
  seconds: number | undefined,
): Record<string, number> {
  return Object.fromEntries([
    ...stepFigures(stream),
    // The median over the run says more than the speed of the last step.
    ...trainFigures(report),
    ...evals.flatMap(evalFigures),
    ...(seconds === undefined ? [] : [['seconds', seconds] as const]),
  ])
}

type Figure = readonly [string, number]

function trainFigures({ train }: JsonObject): Figure[] {
  return Object.entries(isObject(train) ? train : {}).flatMap(([key, value]) => {
    const number = key.startsWith('loss_') || key === 'steps' ? undefined : toNumber(value)
    return number === undefined ? [] : [[key, number] as const]
  })
}

/** Columns that are told otherwise: an axis, or counts of a single step. */
const COUNTED = new Set(['time', 'step', 'epoch', 'seconds', 'tokens', 'label_tokens', 'tokens_seen'])

function stepFigures({ header, whole }: Stream): Figure[] {
  const columns = Object.entries(own(header.tables, 'step')?.columns ?? {})
  const seen = whole ? own(own(header.tables, 'step')?.columns ?? {}, 'tokens_seen') : undefined
  const extremes = (key: string, min: number, max: number): Figure[] => [
    [`${key}.min`, min],
    [`${key}.max`, max],
  ]
  return [
    ...columns
      .filter(([key]) => !COUNTED.has(key))
      .flatMap(([key, { last, min, max }]): Figure[] => [
        [key, last],
        ...(whole ? extremes(key, min, max) : []),
      ]),
    ...(seen ? [['tokens', seen.last] as const] : []),
  ]
}

function evalFigures({ name, metric, base, tuned, difference }: RowEval): Figure[] {
  const key = `eval.${name}.${metric}`
  return [
    ...(tuned ? [[key, tuned.value] as const] : []),
    ...(base ? [[`${key}.base`, base.value] as const] : []),
    ...(difference ? [[`${key}.difference`, difference.value] as const] : []),
  ]
}

/** Columns that are an axis rather than a curve. */
const AXES = new Set(['time', 'step', 'tokens_seen', 'epoch'])

export function curvesOf({ header }: Stream): string[] {
  return Object.entries(header.tables).flatMap(([table, { columns }]) =>
    Object.keys(columns)
      .filter((column) => !AXES.has(column))
      .map((column) => (table === 'step' ? column : `${table}.${column}`)),
  )
}
