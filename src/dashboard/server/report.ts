/** @file Writes the page and its data into one file that opens without a server and asks for nothing. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ItemRow } from '../../track/compare/items.ts'
import { evalNames, readItemRows } from '../../track/compare/read-items.ts'
import { stringify } from '../../track/json.ts'
import { parseQuery } from '../../track/query.ts'
import type { ColumnPlace, Header } from '../../track/read/column-cache.ts'
import type { RunColumns } from '../../track/read/column-store.ts'
import { lookupIn } from '../../track/row-fields.ts'
import { runKey } from '../../track/run-key.ts'
import { writeAtomically } from '../../util/atomic.ts'
import { InputError } from '../../util/errors.ts'
import { packageVersion } from '../../util/package.ts'
import { pickRows } from '../shared/pick-rows.ts'
import { DATA_ID, isExact, type ReportData, type ReportRun } from '../shared/report.ts'
import type { Overview } from '../shared/wire.ts'
import { type Assets, readAssets } from './assets.ts'
import { detailOf } from './detail.ts'
import { Library } from './library.ts'

/** Rows of a table that are kept: two for each bucket of each column. */
const BUCKETS = 250
/** Runs of one report, items of one evaluation, and characters of one text. */
const MOST_RUNS = 200
const MOST_ITEMS = 500
const LONGEST = 2000

/** @throws InputError where no run matches */
export async function exportReport(
  root: string,
  file: string,
  filter: string,
): Promise<{ readonly runs: number; readonly bytes: number }> {
  const library = new Library(root)
  try {
    const query = parseQuery(filter)
    const keys = (await library.rows()).filter((row) => query(lookupIn(row))).map(({ id }) => runKey(id))
    if (keys.length === 0) throw new InputError(`${root}: no run ${filter === '' ? 'to export' : 'matches'}`)
    const html = await reportOf(library, keys, readAssets())
    await writeAtomically(file, (draft) => draft.write(html))
    return { runs: Math.min(keys.length, MOST_RUNS), bytes: Buffer.byteLength(html) }
  } finally {
    await library.close()
  }
}

/** The page as one text, with the newest of these runs. */
export async function reportOf(library: Library, keys: readonly string[], assets: Assets): Promise<string> {
  const columns: Uint8Array[] = []
  const runs: ReportRun[] = []
  for (const key of keys.slice(0, MOST_RUNS)) {
    const run = await reportRun(library, key, columns)
    if (run) runs.push(run)
  }
  const rows = runs.flatMap(({ key }) => library.rowOf(key) ?? [])
  const of = new Set(rows.map(({ sweep }) => sweep))
  const swept = library.sweeps.rows().filter(({ id }) => of.has(id))
  const sweeps = swept.flatMap(({ folder }) => library.sweeps.detail(runKey(folder)) ?? [])
  const overview: Overview = {
    title: basename(library.root),
    version: packageVersion(),
    readOnly: true,
    rows,
    sweeps: swept,
    cursor: '',
    exported: { time: new Date().toISOString(), buckets: BUCKETS },
  }
  const data: ReportData = { overview, runs, sweeps }
  return pageOf(assets, await pack(stringify(data), columns))
}

async function reportRun(
  library: Library,
  key: string,
  columns: Uint8Array[],
): Promise<ReportRun | undefined> {
  const id = await library.idOf(key)
  if (id === undefined) return undefined
  const folder = library.folder(id)
  const open = await library.store.open(id)
  const items: Record<string, readonly ItemRow[]> = {}
  for (const name of await evalNames(folder)) {
    items[name] = (await readItemRows(folder, name, 'tuned')).slice(0, MOST_ITEMS).map(cutItem)
  }
  const header = open ? await thinOut(open, columns) : EMPTY
  // Extremes are known now that all of the stream was read.
  await library.refresh(id)
  return { key, detail: await detailOf(library, id), header: { ...header, id }, items }
}

const EMPTY: Header = {
  id: '',
  source: { size: 0, mtimeMs: 0, ino: 0 },
  end: 0,
  bad: 0,
  skipped: 0,
  marks: [],
  tables: {},
}

/** The rows that carry the extremes of every column, appended to `columns`; summaries stay those of the whole. */
async function thinOut(run: RunColumns, columns: Uint8Array[]): Promise<Header> {
  const tables: Record<string, Header['tables'][string]> = {}
  for (const [name, table] of Object.entries(run.header.tables)) {
    const all = new Map<string, Float64Array>()
    for (const column of Object.keys(table.columns)) all.set(column, (await run.column(name, column))!)
    const rows = pickRows(all, table.length, BUCKETS)
    const places: Record<string, ColumnPlace> = {}
    for (const [column, values] of all) {
      places[column] = { ...table.columns[column]!, at: 0 }
      const kept = rows.map((row) => values[row]!)
      const array = isExact(column) ? Float64Array.from(kept) : Float32Array.from(kept)
      columns.push(new Uint8Array(array.buffer))
    }
    tables[name] = { length: rows.length, columns: places }
  }
  return { ...run.header, tables }
}

function cutItem({ detail, question, ...scores }: ItemRow): ItemRow {
  const short = Object.fromEntries(
    ['question', 'prompt', 'reference', 'prediction', 'text', 'answer']
      .filter((key) => detail[key] !== undefined && detail[key] !== null)
      .map((key) => [key, cutText(detail[key])]),
  )
  // Whether two runs were asked the same is all that the question is for.
  return {
    ...scores,
    question: createHash('sha256').update(question).digest('base64url').slice(0, 12),
    detail: short,
  }
}

function cutText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`
}

/** Length of the JSON (u32), the JSON, padding to 8, the columns; compressed, as text. */
async function pack(json: string, columns: readonly Uint8Array[]): Promise<string> {
  const text = Buffer.from(json)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(text.length)
  const padding = Buffer.alloc((8 - ((4 + text.length) % 8)) % 8)
  // Each column begins at a multiple of 8, so that it can be looked at where it lies.
  const padded = columns.flatMap((column) => [column, Buffer.alloc((8 - (column.byteLength % 8)) % 8)])
  const packed = await promisify(gzip)(Buffer.concat([length, text, padding, ...padded]), { level: 6 })
  return packed.toString('base64')
}

/** Nothing runs but the script that was built, and nothing is asked for: the policy names them by their hashes. */
function pageOf({ script, style }: Assets, data: string): string {
  const code = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const policy = `default-src 'none'; script-src ${hash(code)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>medtune report</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<noscript>This report needs JavaScript.</noscript>
<script type="application/octet-stream" id="${DATA_ID}">${data}</script>
<script type="module">${code}</script>
</body>
</html>
`
}
