/** @file `medtune runs`: which runs there are, how they went, and what tells them apart. */
import { stringify } from '../../track/json.ts'
import { parseQuery } from '../../track/query.ts'
import { ColumnStore } from '../../track/read/column-store.ts'
import { findRuns } from '../../track/read/find.ts'
import { type RunRow, readRow } from '../../track/read/run-row.ts'
import {
  compareValues,
  differing,
  fieldOf,
  hasField,
  isNothing,
  lookupIn,
  sortRows,
} from '../../track/row-fields.ts'
import { type Cell, toCsv } from '../../util/csv.ts'
import { InputError } from '../../util/errors.ts'
import { nearest } from '../../util/nearest.ts'
import { colorsFor } from '../colors.ts'
import { namedFigure, plainText } from '../figures.ts'
import { duration } from '../format.ts'
import { type Column, type TableCell, table } from '../table.ts'

export interface ListOptions {
  readonly runsDir: string
  readonly filter?: string
  readonly sort?: string
  readonly columns?: string
  readonly limit?: string
  readonly json?: boolean
  readonly csv?: boolean
}

/** Settings shown unasked: those that differ, the first few. */
const SETTINGS = 4
/** Files of so many runs are read at the same time. */
const AT_ONCE = 16

export async function list(options: ListOptions): Promise<number> {
  const query = parseQuery(options.filter ?? '')
  const limit = readLimit(options.limit)
  const rows = (await readRows(options.runsDir)).filter((row) => query(lookupIn(row)))
  const sorted = sorter(options.sort)(rows).slice(0, limit)
  tellUnknown(sorted, options.columns)
  process.stdout.write(show(sorted, options))
  if (sorted.length === 0 && !options.json && !options.csv) {
    process.stderr.write(options.filter ? 'no run matches\n' : `no runs in ${options.runsDir}\n`)
  }
  return 0
}

/** Rows of all runs below a folder, newest first. */
export async function readRows(root: string): Promise<RunRow[]> {
  const store = new ColumnStore(root, { cache: false })
  const ids = await findRuns(root)
  const rows: RunRow[] = []
  for (let at = 0; at < ids.length; at += AT_ONCE)
    rows.push(...(await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => readRow(root, id, store)))))
  return rows
}

function show(rows: readonly RunRow[], { json, csv, columns }: ListOptions): string {
  if (json) return `${stringify(rows, 2)}\n`
  const keys = columns?.split(',').map((key) => key.trim())
  if (csv) {
    const wide = keys ?? allKeys(rows)
    return toCsv([wide, ...rows.map((row) => wide.map((key) => csvCell(fieldOf(row, key))))])
  }
  return rows.length === 0 ? '' : keys ? chosen(rows, keys) : overview(rows)
}

function allKeys(rows: readonly RunRow[]): string[] {
  const parts = rows.flatMap(({ figures, config }) => [...Object.keys(figures), ...Object.keys(config)])
  return ['id', 'name', 'status', 'started', 'step', 'steps', 'tags', 'note', ...new Set(parts)]
}

function csvCell(value: unknown): Cell {
  return Array.isArray(value) ? value.join(', ') : (value as Cell)
}

function chosen(rows: readonly RunRow[], keys: readonly string[]): string {
  const columns = keys.map((title) => ({
    title,
    right: rows.some((row) => typeof fieldOf(row, title) === 'number'),
  }))
  const body = rows.map((row) => keys.map((key) => shown(row, key)))
  return table(columns, body, colorsFor(process.stdout).bold)
}

function shown(row: RunRow, key: string): string {
  const figure = row.figures[key]
  return figure === undefined ? plainText(fieldOf(row, key)) : namedFigure(key, figure)
}

/** Name, status, the settings that differ, loss and evaluations. */
function overview(rows: readonly RunRow[]): string {
  const colors = colorsFor(process.stdout)
  const paint: Readonly<Record<string, (text: string) => string>> = {
    done: colors.green,
    running: colors.cyan,
    failed: colors.red,
    crashed: colors.red,
    stopped: colors.yellow,
  }
  const settings = differing(rows)
    .filter((key) => key !== 'name')
    .slice(0, SETTINGS)
  const evals = [
    ...new Set(rows.flatMap((row) => row.evals.map(({ name, metric }) => `eval.${name}.${metric}`))),
  ]
  const marked = rows.some(({ tags, problems }) => tags.length > 0 || problems.length > 0)
  const columns: Column[] = [
    ...['id', 'status'].map((title) => ({ title })),
    ...['time', 'step', ...settings.map(shortKey)].map((title) => ({ title, right: true })),
    ...['loss', ...evals.map((key) => key.slice('eval.'.length))].map((title) => ({ title, right: true })),
    ...(marked ? [{ title: '' }] : []),
  ]
  const body = rows.map((row): TableCell[] => [
    row.id,
    { text: row.status, paint: paint[row.status] ?? ((text) => text) },
    row.figures.seconds === undefined ? '' : duration(row.figures.seconds),
    row.steps === undefined ? String(row.step) : `${row.step}/${row.steps}`,
    ...settings.map((key) => plainText(row.config[key])),
    ...['loss', ...evals].map((key) => shown(row, key)),
    ...(marked ? [marks(row)] : []),
  ])
  return table(columns, body, colors.bold)
}

function marks({ tags, problems }: RunRow): string {
  return [...tags.map((tag) => `#${tag}`), ...problems.map((problem) => `! ${problem}`)].join(' ')
}

/** The last two parts of a path, or three where the first of the two is a place in a list. */
function shortKey(key: string): string {
  const parts = key.split('.')
  return parts.slice(/^\d+$/.test(parts.at(-2) ?? '') ? -3 : -2).join('.')
}

/** `loss` the smallest first, `-loss` the largest first; newest first if left out. */
function sorter(sort: string | undefined): (rows: readonly RunRow[]) => readonly RunRow[] {
  if (sort === undefined) return (rows) => rows
  const descending = sort.startsWith('-')
  const field = descending ? sort.slice(1) : sort
  return (rows) => {
    if (rows.length > 0 && rows.every((row) => isNothing(fieldOf(row, field))))
      throw new InputError(`--sort ${sort}: ${unknown(rows, field)}`)
    return sortRows(rows, field, descending)
  }
}

/** Columns that stay empty are told of: a script may ask for what only later runs have. */
function tellUnknown(rows: readonly RunRow[], columns: string | undefined): void {
  for (const key of columns?.split(',').map((name) => name.trim()) ?? []) {
    if (rows.length > 0 && !rows.some((row) => hasField(row, key)))
      process.stderr.write(`warning: --columns ${key}: ${unknown(rows, key)}\n`)
  }
}

function unknown(rows: readonly RunRow[], field: string): string {
  const keys = [...new Set(rows.flatMap(({ figures }) => Object.keys(figures)))].sort(compareValues)
  const settings = rows.flatMap(({ config }) => Object.keys(config))
  const near = nearest(field, [...keys, ...settings])
  const hint = near === undefined ? '' : `; did you mean "${near}"`
  return `no run has ${JSON.stringify(field)}${hint}; known: name, status, started, step, ${keys.join(', ')}, and settings by their path`
}

function readLimit(limit: string | undefined): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY
  const number = Number(limit)
  if (Number.isInteger(number) && number > 0) return number
  throw new InputError(`--limit ${limit}: expected a whole number of at least 1`)
}
