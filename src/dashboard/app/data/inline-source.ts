/** @file Data from the report that the page is part of; there is no server behind it. */
import { compareRows } from '../../../track/compare/compare.ts'
import type { ItemRow } from '../../../track/compare/items.ts'
import { toNumber } from '../../../track/json.ts'
import type { RunColumns } from '../../../track/read/column-store.ts'
import type { RunRow } from '../../../track/read/run-row.ts'
import { runKey } from '../../../track/run-key.ts'
import { own } from '../../../util/json-object.ts'
import { DATA_ID, isExact, type ReportData, type ReportRun } from '../../shared/report.ts'
import { readSample, readSamples } from '../../shared/samples.ts'
import { readSeries } from '../../shared/series.ts'
import type { Source } from './source.ts'

interface Loaded {
  readonly data: ReportData
  readonly rows: ReadonlyMap<string, RunRow>
  readonly runs: ReadonlyMap<string, ReportRun & RunColumns>
}

/** Undefined in a page that came from a server. */
export function inlineSource(): Source | undefined {
  const element = document.getElementById(DATA_ID)
  if (!element) return undefined
  const loaded = unpack(element.textContent ?? '')
  const answers = {
    items: async (key: string, name: string): Promise<readonly ItemRow[]> =>
      own((await loaded).runs.get(key)?.items ?? {}, name) ?? [],
  }
  const items = async () => {
    const { rows } = await loaded
    const better = (key: string, name: string) =>
      rows.get(key)?.evals.find((one) => one.name === name)?.better
    return { ...answers, better }
  }
  return {
    overview: async () => (await loaded).data.overview,
    series: async (query) => readSeries(async (key) => (await loaded).runs.get(key), query),
    detail: async (key) => (await loaded).runs.get(key)!.detail,
    sweep: async (key) => (await loaded).data.sweeps.find(({ folder }) => runKey(folder) === key)!,
    async compare(keys) {
      const { rows } = await loaded
      const known = keys.flatMap((key) => {
        const row = rows.get(key)
        return row ? [{ row, items: (name: string) => answers.items(key, name) }] : []
      })
      return compareRows(known, 0)
    },
    samples: async (query) => readSamples(await items(), query),
    sample: async (query, id) => (await readSample(await items(), query, id))!,
    follow() {},
    notes: () => Promise.reject(new Error('a report cannot be changed')),
    reportOf: () => undefined,
  }
}

async function unpack(text: string): Promise<Loaded> {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))
  const buffer = await new Response(stream).arrayBuffer()
  const length = new DataView(buffer).getUint32(0, true)
  const json = new TextDecoder().decode(new Uint8Array(buffer, 4, length))
  const data = JSON.parse(json, (_key, value) => (NAMES.has(value) ? toNumber(value) : value)) as ReportData
  let at = Math.ceil((4 + length) / 8) * 8
  const runs = data.runs.map((run) => {
    const columns = new Map<string, Float64Array>()
    for (const [table, { length: rows, columns: places }] of Object.entries(run.header.tables)) {
      for (const name of Object.keys(places)) {
        const exact = isExact(name)
        const values = exact
          ? new Float64Array(buffer, at, rows)
          : Float64Array.from(new Float32Array(buffer, at, rows))
        columns.set(`${table}\n${name}`, values)
        at += Math.ceil((rows * (exact ? 8 : 4)) / 8) * 8
      }
    }
    const column = async (table: string, name: string) => columns.get(`${table}\n${name}`)
    return [run.key, { ...run, column }] as const
  })
  const rows = new Map(data.overview.rows.map((row) => [runKey(row.id), row]))
  return { data, rows, runs: new Map(runs) }
}

/** How a record spells numbers that JSON has not. */
const NAMES = new Set<unknown>(['NaN', 'Infinity', '-Infinity'])
