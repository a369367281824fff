/** @file Curves of one metric for several runs, cut to a window and thinned out. Pure: the exported report has it too. */
import type { RunColumns } from '../../track/read/column-store.ts'
import { sampleCurve, type Window } from '../../track/series.ts'
import { breather } from '../../util/breathe.ts'
import { own } from '../../util/json-object.ts'
import type { SeriesMark, SeriesPart, SeriesQuery, SeriesReply, XAxis } from './wire.ts'

/** Runs that are read at the same time. */
const AT_ONCE = 8

/** The columns of the run behind a key; undefined where there is none. */
export type OpenRun = (key: string) => Promise<RunColumns | undefined>

interface Found {
  readonly key: string
  readonly run: RunColumns
  readonly table: string
  readonly column: string
}

/**
 * Runs without the metric, and those that are gone, are left out.
 * @param isWanted asked from time to time; once it says no, the answer holds what there is by then
 */
export async function readSeries(
  open: OpenRun,
  query: SeriesQuery,
  isWanted: () => boolean = () => true,
): Promise<SeriesReply> {
  const found = await inBatches(query.keys, isWanted, async (key): Promise<Found | undefined> => {
    const run = await open(key)
    const place = run && findMetric(run, query.metric)
    return run && place && { key, run, ...place }
  })
  const window = windowOf(found, query)
  const breathe = breather()
  const series = await inBatches(found, isWanted, async (one) => {
    const part = await readPart(one, window, query)
    await breathe()
    return part
  })
  return { window, series }
}

/** A few at a time, so that memory holds the columns of a few runs and not of all. */
async function inBatches<T, U>(
  items: readonly T[],
  isWanted: () => boolean,
  work: (item: T) => Promise<U | undefined>,
): Promise<U[]> {
  const done: U[] = []
  for (let at = 0; at < items.length && isWanted(); at += AT_ONCE) {
    const batch = await Promise.all(items.slice(at, at + AT_ONCE).map(work))
    done.push(...batch.filter((one) => one !== undefined))
  }
  return done
}

async function readPart(
  { key, run, table, column }: Found,
  window: Window,
  query: SeriesQuery,
): Promise<SeriesPart | undefined> {
  const [y, x, marks] = await Promise.all([
    run.column(table, column),
    xOf(run, table, query.x),
    marksOf(run, query.x),
  ])
  if (!y || !x) return undefined
  const { odd } = run.header.tables[table]!.columns[column]!
  // Scores are few, each a mean of many items: the average of one and the one before would be no figure of the run.
  const smoothing = table.startsWith('eval.') ? 0 : query.smoothing
  return { key, odd, marks, ...sampleCurve(x, y, window, smoothing) }
}

/** `loss` is a column of the steps; `eval.exam.accuracy` and `system.rss_bytes` name their table. */
export function findMetric(
  { header }: Pick<RunColumns, 'header'>,
  metric: string,
): { readonly table: string; readonly column: string } | undefined {
  for (const [table, { columns }] of Object.entries(header.tables)) {
    const column =
      table === 'step' ? metric : metric.startsWith(`${table}.`) ? metric.slice(table.length + 1) : ''
    if (column !== '' && own(columns, column)) return { table, column }
  }
  return undefined
}

const OF_STEPS: Readonly<Record<Exclude<XAxis, 'step' | 'time'>, string>> = {
  tokens: 'tokens_seen',
  epoch: 'epoch',
}

/** x of the rows of a table; tokens and epochs of an evaluation are those of the step it was made at. */
async function xOf(run: RunColumns, table: string, axis: XAxis): Promise<Float64Array | undefined> {
  if (axis === 'step') return run.column(table, 'step')
  if (axis === 'time') return (await run.column(table, 'time'))?.map((time) => secondsInto(run, time))
  if (table === 'step') return run.column('step', OF_STEPS[axis])
  const steps = await run.column(table, 'step')
  return steps && atSteps(run, steps, OF_STEPS[axis])
}

/** Values of a column of the steps at other steps; 0 before the first. */
async function atSteps(
  run: RunColumns,
  wanted: Float64Array,
  column: string,
): Promise<Float64Array | undefined> {
  const [steps, values] = await Promise.all([run.column('step', 'step'), run.column('step', column)])
  return steps && values && wanted.map((step) => values[lastAtMost(steps, step)] ?? 0)
}

/** Seconds since the first event that has a time. */
function secondsInto({ header }: RunColumns, time: number): number {
  const start = header.marks[0]?.time ?? own(header.tables, 'step')?.columns.time?.first ?? Number.NaN
  return (time - start) / 1000
}

const MOST_MARKS = 200

/** Checkpoints and evaluations, where they stand on the axis. */
async function marksOf(run: RunColumns, axis: XAxis): Promise<readonly SeriesMark[]> {
  const { marks, tables } = run.header
  const events = marks
    .filter(({ type }) => type === 'checkpoint')
    .map(({ type, step, time, text }) => ({ type, step, time, text }))
  const names = Object.keys(tables).filter((name) => name.startsWith('eval.'))
  const evals = await Promise.all(
    names.map(async (name) => {
      const [steps, times] = await Promise.all([run.column(name, 'step'), run.column(name, 'time')])
      const text = name.slice('eval.'.length)
      return [...(steps ?? [])].map((step, i) => ({ type: 'eval', step, time: times![i]!, text }))
    }),
  )
  const all = [...events, ...evals.flat()].slice(0, MOST_MARKS)
  if (axis === 'step') return all.map(({ type, step, text }) => ({ type, x: step, text }))
  if (axis === 'time') return all.map(({ type, time, text }) => ({ type, x: secondsInto(run, time), text }))
  const xs = await atSteps(
    run,
    Float64Array.from(all, ({ step }) => step),
    OF_STEPS[axis],
  )
  return xs ? all.map(({ type, text }, i) => ({ type, x: xs[i]!, text })) : []
}

/** Index of the last value that is at most `wanted`; -1 where none is. */
function lastAtMost(values: Float64Array, wanted: number): number {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle]! <= wanted) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** As far as the runs' data go, from what their headers say. */
function windowOf(found: readonly Found[], { x, from, to, buckets, log }: SeriesQuery): Window {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const [start, end] of found.map((one) => boundsOf(one, x))) {
    // The first step, token and second are at 1 or close to it; 0 has no place on a logarithmic axis.
    const first = log && start <= 0 ? 1 : start
    if (Number.isFinite(first)) least = Math.min(least, first)
    if (Number.isFinite(end)) most = Math.max(most, end)
  }
  if (!(least < most)) [least, most] = Number.isFinite(least) ? [least, least + 1] : [log ? 1 : 0, 10]
  const [start, end] = [Number.isNaN(from) ? least : from, Number.isNaN(to) ? most : to]
  return { from: log ? Math.max(start, 1e-9) : start, to: end > start ? end : start + 1, buckets, log }
}

function boundsOf({ run, table }: Found, axis: XAxis): readonly [number, number] {
  const columns =
    own(run.header.tables, axis === 'tokens' || axis === 'epoch' ? 'step' : table)?.columns ?? {}
  const summary = own(columns, axis === 'step' || axis === 'time' ? axis : OF_STEPS[axis])
  if (!summary) return [Number.NaN, Number.NaN]
  const { min, max } = summary
  return axis === 'time' ? [secondsInto(run, min), secondsInto(run, max)] : [min, max]
}
