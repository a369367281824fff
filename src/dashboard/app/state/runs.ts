/** @file The runs, and what follows from them and the view: which match, in which order, which are drawn in which colour. */
import { computed, signal } from '@preact/signals'
import { parseQuery, type Query } from '../../../track/query.ts'
import type { RunRow } from '../../../track/read/run-row.ts'
import { differing, fieldOf, lookupIn, sortRows } from '../../../track/row-fields.ts'
import { runKey } from '../../../track/run-key.ts'
import type { Change, Overview, SweepRow } from '../../shared/wire.ts'
import { httpSource } from '../data/http-source.ts'
import type { Source } from '../data/source.ts'
import { nameOf } from '../parts/format.ts'
import { change, type View, view } from './view.ts'

/** Runs drawn unasked: the newest. */
const FIRST = 10
/** Settings shown in the table unasked. */
const SETTINGS = 4

export const source = signal<Source>(httpSource)
export const overview = signal<Omit<Overview, 'rows' | 'sweeps'> | undefined>(undefined)
export const failure = signal('')
/** Whether the server can be reached. */
export const online = signal(true)
const byKey = signal<ReadonlyMap<string, RunRow>>(new Map())

export const rows = computed<readonly RunRow[]>(() => [...byKey.value.values()])

/** By folder. */
const sweepsByFolder = signal<ReadonlyMap<string, SweepRow>>(new Map())

/** Newest first. */
export const sweeps = computed<readonly SweepRow[]>(() =>
  [...sweepsByFolder.value.values()].sort((a, b) => (a.started < b.started ? 1 : -1)),
)

export function rowOf(key: string): RunRow | undefined {
  return byKey.value.get(key)
}

/** What a run is called; its key where it is gone. */
export function nameAt(key: string): string {
  const row = rowOf(key)
  return row ? nameOf(row) : key
}

export async function load(): Promise<void> {
  try {
    const { rows: found, sweeps: swept, ...rest } = await source.value.overview()
    overview.value = rest
    sweepsByFolder.value = new Map(swept.map((sweep) => [sweep.folder, sweep]))
    byKey.value = new Map(found.map((row) => [runKey(row.id), row]))
    failure.value = ''
  } catch (error) {
    failure.value = error instanceof Error ? error.message : String(error)
  }
}

export async function start(): Promise<void> {
  await load()
  if (overview.value) source.value.follow(overview.value.cursor, take, (up) => (online.value = up))
}

function take({ rows: changed, removed, sweeps: swept = [], removedSweeps = [], reset }: Change): void {
  if (reset) return void load()
  if (swept.length + removedSweeps.length > 0) {
    const folders = new Map(sweepsByFolder.value)
    for (const sweep of swept) folders.set(sweep.folder, sweep)
    for (const folder of removedSweeps) folders.delete(folder)
    sweepsByFolder.value = folders
  }
  const next = new Map(byKey.value)
  for (const row of changed) next.set(runKey(row.id), row)
  for (const id of removed) next.delete(runKey(id))
  byKey.value = next
}

/** Parts of the view, each a signal of its own: to change a metric must not sort the runs again. */
const part = <K extends keyof View>(key: K) => computed(() => view.value[key])
const filter = part('filter')
const sort = part('sort')
const pinned = part('pinned')
const runs = part('runs')
const brushes = part('brushes')

/** The filter, or what is wrong with it. */
export const query = computed<{ readonly query: Query; readonly mistake: string }>(() => {
  try {
    return { query: parseQuery(filter.value), mistake: '' }
  } catch (error) {
    return { query: () => true, mistake: (error as Error).message.replace(/^query: /, '') }
  }
})

/** Rows that match the filter, before brushes. */
export const filtered = computed<readonly RunRow[]>(() => {
  const { query: matches } = query.value
  return rows.value.filter((row) => matches(lookupIn(row)))
})

/** Rows within all brushes too. */
export const brushed = computed<readonly RunRow[]>(() => {
  const ranges = Object.entries(brushes.value)
  if (ranges.length === 0) return filtered.value
  return filtered.value.filter((row) =>
    ranges.every(([field, [low, high]]) => {
      const place = placeOn(field, row)
      return place !== undefined && place >= low && place <= high
    }),
  )
})

/** Values that a field has which is no number, in order: their index is their place on an axis. */
export const categories = computed<ReadonlyMap<string, readonly string[]>>(() => {
  const found = new Map<string, readonly string[]>()
  for (const field of Object.keys(brushes.value)) found.set(field, categoriesOf(field, filtered.value))
  return found
})

/** Empty for a field of numbers. */
export function categoriesOf(field: string, list: readonly RunRow[]): readonly string[] {
  const values = list
    .map((row) => fieldOf(row, field))
    .filter((value) => value !== undefined && value !== null)
  if (values.every((value) => typeof value === 'number')) return []
  return [...new Set(values.map(String))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

function placeOn(field: string, row: RunRow): number | undefined {
  const value = fieldOf(row, field)
  const names = categories.value.get(field) ?? []
  if (names.length === 0) return typeof value === 'number' ? value : undefined
  const index = names.indexOf(String(value))
  return index < 0 ? undefined : index
}

/** Rows of the table: pinned ones first, then by the sort order. */
export const listed = computed<readonly RunRow[]>(() => {
  const field = sort.value
  const descending = field.startsWith('-')
  const sorted = sortRows(brushed.value, descending ? field.slice(1) : field, descending)
  const isPinned = (row: RunRow): boolean => pinned.value.includes(runKey(row.id))
  const kept = pinned.value.flatMap((key) => rowOf(key) ?? [])
  return [...kept, ...sorted.filter((row) => !isPinned(row))]
})

/** Keys of the runs that are drawn and compared, in the order of the table. */
export const selected = computed<readonly string[]>(() => {
  const keys = listed.value.map((row) => runKey(row.id))
  if (runs.value === null) return keys.slice(0, FIRST)
  const chosen = new Set(runs.value)
  return keys.filter((key) => chosen.has(key))
})

export function toggle(key: string): void {
  const now = new Set(selected.value)
  if (!now.delete(key)) now.add(key)
  change({ runs: [...now] })
}

export function togglePin(key: string): void {
  const { pinned } = view.value
  change({ pinned: pinned.includes(key) ? pinned.filter((one) => one !== key) : [...pinned, key] })
}

/** Place of a drawn run in the list of colours; undefined for one that is not drawn. */
export const colorIndex = computed<ReadonlyMap<string, number>>(
  () => new Map(selected.value.map((key, i) => [key, i])),
)

/** Settings that tell the runs apart; of several that go together one to one, such as rank and alpha, the first. */
export const settings = computed<readonly string[]>(() => {
  const list = filtered.value
  const seen = new Set<string>()
  return differing(list).filter((key) => {
    if (key === 'name' || key.endsWith('.path')) return false
    const numbers = new Map<string, number>()
    const shape = list.map(({ config }) => {
      const text = String(config[key])
      if (!numbers.has(text)) numbers.set(text, numbers.size)
      return numbers.get(text)
    })
    const spelt = shape.join()
    return !seen.has(spelt) && seen.add(spelt)
  })
})

/** Fields that the table shows beside name and status. */
export const columns = computed<readonly string[]>(() => {
  if (view.value.columns.length > 0) return view.value.columns
  return [...settings.value.slice(0, SETTINGS), ...headlines.value.slice(0, 3), 'loss', 'seconds', 'started']
})

/**
 * The drawn runs with the one that the others are compared with first: the one chosen, else a pinned one, else the
 * oldest that is done.
 */
export const compared = computed<readonly string[]>(() => {
  const keys = selected.value
  const { base, pinned } = view.value
  const done = keys.filter((key) => rowOf(key)?.status === 'done')
  const oldest = [...done].sort((a, b) => (rowOf(a)!.started ?? '').localeCompare(rowOf(b)!.started ?? ''))[0]
  const first =
    keys.find((key) => key === base) ?? keys.find((key) => pinned.includes(key)) ?? oldest ?? keys[0]
  return first === undefined ? [] : [first, ...keys.filter((key) => key !== first)]
})

/** Headline figures of the evaluations, those that most runs have first. */
export const headlines = computed<readonly string[]>(() => {
  const counts = new Map<string, number>()
  for (const { evals } of rows.value) {
    for (const { name, metric } of evals) {
      const key = `eval.${name}.${metric}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([key]) => key)
})

/** Whether a smaller value is the better one. */
export function isLowerBetter(field: string): boolean {
  for (const { evals } of rows.value) {
    const found = evals.find(({ name, metric }) => field.startsWith(`eval.${name}.${metric}`))
    if (found) return found.better === 'lower'
  }
  return /loss|perplexity|seconds|bytes|grad_norm|error/.test(field)
}

/** Curves that any of the runs has; loss and evaluations first. */
export const curves = computed<readonly string[]>(() => {
  const names = new Set(rows.value.flatMap((row) => row.curves))
  const rank = (name: string): number => {
    const at = ORDER.indexOf(name)
    if (at >= 0) return at
    if (headlines.value.includes(name)) return 1.5
    return name.startsWith('system.') ? 200 : name.startsWith('eval.') ? 150 : 100
  }
  return [...names].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
})

const ORDER = [
  'loss',
  'holdout_loss',
  'grad_norm',
  'lr',
  'tokens_per_second',
  'seconds',
  'tokens',
  'label_tokens',
]

/** The metric of the large chart. */
export const metric = computed(() => {
  const { metric: chosen } = view.value
  return curves.value.includes(chosen) ? chosen : (curves.value[0] ?? 'loss')
})
