/** @file What the server answers, on runs that are whole, that go on, and that are damaged. */
import { appendFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Dashboard, startDashboard } from '../../src/dashboard/server/server.ts'
import { decodeSeries } from '../../src/dashboard/shared/frame.ts'
import type { Change, Overview, SampleReply, SeriesReply } from '../../src/dashboard/shared/wire.ts'
import { runKey } from '../../src/track/run-key.ts'
import { answers, iso, makeRun, stepEvent } from '../helpers/run-folders.ts'
import { tempFolder } from '../helpers/temp.ts'

let root: string
let server: Dashboard

beforeAll(async () => {
  root = tempFolder()
  const items = { exam: { base: answers(30, () => false), tuned: answers(30, (i) => i < 20) } }
  const evals = [0, 5000].map((step) =>
    JSON.stringify({ time: iso(step), type: 'eval', step, name: 'exam', scores: { accuracy: step / 1e4 } }),
  )
  const checkpoint = JSON.stringify({
    time: iso(4000),
    type: 'checkpoint',
    step: 4000,
    path: 'checkpoints/4000',
  })
  makeRun(root, { id: 'long', steps: 5000, items, tail: `${[...evals, checkpoint].join('\n')}\n` })
  makeRun(root, {
    id: 'short',
    steps: 10,
    record: { sweep: { id: 'abcd1234', trial: '0' } },
    items: { exam: { ...items.exam, tuned: answers(30, (i) => i >= 10) } },
  })
  makeRun(root, {
    id: 'odd',
    status: 'failed',
    loss: (step) => (step > 10 ? Number.NaN : step),
    tail: '{"type":"st',
  })
  const alive = { pid: process.pid, host: hostname(), heartbeat: new Date().toISOString() }
  makeRun(root, { id: 'live', steps: 3, status: 'running', record: { ...alive, steps: 100 } })
  server = await startDashboard({ root, port: 0, assets: { script: '', style: '' } })
})

afterAll(() => server.close())

const headers = (): Record<string, string> => ({ Authorization: `Bearer ${server.token}` })
const get = (path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { headers: headers() })
const read = async <T>(path: string): Promise<T> => (await get(path)).json() as Promise<T>

async function series(ids: readonly string[], params: string): Promise<SeriesReply> {
  return decodeSeries(
    await (await get(`/api/series?run=${ids.map(runKey).join(',')}&${params}`)).arrayBuffer(),
  )
}

test('the overview has a row for each run, with how it stands', async () => {
  const { rows, title } = await read<Overview>('/api/runs')
  expect(root.endsWith(title)).toBe(true)
  const byId = Object.fromEntries(rows.map((row) => [row.id, row]))
  expect(Object.keys(byId).sort()).toEqual(['live', 'long', 'odd', 'short'])
  expect(byId.live).toMatchObject({ status: 'running', step: 3, steps: 100 })
  expect(byId.odd!.problems).toEqual(['events.jsonl: the last line is torn'])
  expect(byId.long!.figures['eval.exam.accuracy']).toBeCloseTo(2 / 3)
  expect([byId.short!.sweep, byId.long!.sweep]).toEqual(['abcd1234', undefined])
})

test('curves: long ones thinned on a shared grid, short ones as they are, gaps where values were not finite', async () => {
  const reply = await series(['long', 'short', 'odd', 'nowhere'], 'metric=loss&buckets=100&smoothing=0.5')
  expect(reply.window).toMatchObject({ from: 1, to: 5000 })
  expect(reply.series.map(({ key, thinned, x }) => [key, thinned, x.length])).toEqual([
    [runKey('long'), true, 200],
    [runKey('short'), false, 10],
    [runKey('odd'), false, 20],
  ])
  const [long, short, odd] = reply.series
  expect([short!.y[0], long!.smooth!.length, odd!.odd]).toEqual([5, 200, 10])
  expect([...odd!.y.slice(9, 12)]).toEqual([10, Number.NaN, Number.NaN])
  expect(long!.marks).toEqual([
    { type: 'checkpoint', x: 4000, text: 'checkpoints/4000' },
    { type: 'eval', x: 0, text: 'exam' },
    { type: 'eval', x: 5000, text: 'exam' },
  ])
})

test('scores of evaluations are not smoothed: what is drawn is what was measured', async () => {
  const [score] = (await series(['long'], 'metric=eval.exam.accuracy&buckets=100&smoothing=0.9')).series
  expect(score!.y).toHaveLength(2)
  expect(score!.smooth).toBeUndefined()
})

test('x by tokens, time and epoch; evaluations stand where their step was', async () => {
  const last = async (params: string): Promise<number[]> => {
    const { series: found } = await series(['long'], params)
    return [found[0]!.x.at(-1)!, found[0]!.y.at(-1)!]
  }
  expect(await last('metric=eval.exam.accuracy&x=tokens')).toEqual([5_000_000, 0.5])
  expect(await last('metric=eval.exam.accuracy&x=time')).toEqual([5000, 0.5])
  expect(await last('metric=eval.exam.accuracy&x=epoch')).toEqual([50, 0.5])
  const zoomed = await series(['long'], 'metric=loss&x=tokens&from=1000000&to=1010000&buckets=100')
  expect(zoomed.series[0]!.thinned).toBe(false)
  expect([...zoomed.series[0]!.x].slice(1, 4)).toEqual([1_000_000, 1_001_000, 1_002_000])
})

test('answers are paired, counted and cut', async () => {
  const samples = (params: string) =>
    read<SampleReply>(`/api/samples?run=${runKey('long')},${runKey('short')}&evaluation=exam&${params}`)
  const all = await samples('show=all&limit=5')
  expect([all.total, all.matching, all.items.length]).toEqual([30, 30, 5])
  expect(all.counts).toEqual([null, { wins: 10, ties: 10, losses: 10 }])
  const lost = await samples('show=losses')
  expect([lost.matching, lost.items[0]!.id, lost.items[0]!.answers[1]!.outcome]).toEqual([10, 'q0', 'loss'])
  expect((await samples('show=all&search=question+7')).items.map(({ id }) => id)).toEqual(['q7'])
})

test('a line as long as a megabyte is cut, and whole where it is asked for', async () => {
  const long = answers(1, () => true).map((item) => ({
    ...item,
    detail: { ...item.detail, prediction: 'y'.repeat(1e6) },
  }))
  makeRun(root, { id: 'huge', items: { exam: { base: long, tuned: long } } })
  await server.library.refresh('huge')
  const query = `run=${runKey('huge')}&evaluation=exam`
  const { items } = await read<SampleReply>(`/api/samples?${query}&show=all`)
  expect([items[0]!.answers[0]!.text.length, items[0]!.answers[0]!.whole]).toEqual([20_000, 1e6])
  const whole = await read<{ answers: { text: string }[] }>(`/api/sample?${query}&item=q0`)
  expect(whole.answers[0]!.text).toHaveLength(1e6)
})

/** Changes as a page hears them, with the id of the last one. */
function follow(since: string): { readonly changes: Change[]; last(): string; close(): void } {
  const changes: Change[] = []
  let last = ''
  let held = ''
  const request = http.get(
    { port: server.port, path: `/api/events?since=${since}`, headers: headers() },
    (response) => {
      response.on('error', () => undefined)
      response.on('data', (data: Buffer) => {
        held += data
        const parts = held.split('\n\n')
        held = parts.pop()!
        for (const part of parts) {
          last = /^id: (.+)$/m.exec(part)?.[1] ?? last
          const found = /^data: (.+)$/m.exec(part)?.[1]
          if (found) changes.push(JSON.parse(found))
        }
      })
    },
  )
  request.on('error', () => undefined)
  return { changes, last: () => last, close: () => request.destroy() }
}

async function until(holds: () => boolean, milliseconds: number): Promise<number> {
  const start = performance.now()
  while (!holds() && performance.now() - start < milliseconds)
    await new Promise((resolve) => setTimeout(resolve, 10))
  return performance.now() - start
}

test('while nobody asks, another thread puts columns on disk, and extremes become known', async () => {
  const past = new Date(Date.now() - 60_000)
  utimesSync(join(root, 'long', 'events.jsonl'), past, past)
  await until(() => server.library.row('long')?.figures['loss.min'] !== undefined, 10_000)
  expect(server.library.row('long')!.figures['loss.max']).toBe(5)
})

test('a step that is written is told and drawn within a second; a page that was away catches up', async () => {
  const { cursor } = await read<Overview>('/api/runs')
  const page = follow(cursor)
  await until(() => false, 100)
  appendFileSync(join(root, 'live', 'events.jsonl'), `${stepEvent(4, 9)}\n`)
  const told = (step: number) => (): boolean =>
    page.changes.some(({ rows }) => rows.some((row) => row.id === 'live' && row.step === step))
  expect(await until(told(4), 3000)).toBeLessThan(1000)
  expect((await series(['live'], 'metric=loss')).series[0]!.y.at(-1)).toBe(9)
  const seen = page.last()
  page.close()

  appendFileSync(join(root, 'live', 'events.jsonl'), `${stepEvent(5, 8)}\n`)
  makeRun(root, { id: 'new' })
  rmSync(join(root, 'huge'), { recursive: true, force: true })
  await until(
    () =>
      server.library.row('new') !== undefined &&
      server.library.row('live')?.step === 5 &&
      server.library.row('huge') === undefined,
    8000,
  )
  const again = follow(seen)
  await until(() => again.changes.length > 0, 2000)
  again.close()
  expect(again.changes[0]!.rows.map(({ id }) => id).sort()).toEqual(['live', 'new'])
  expect(again.changes[0]!.removed).toEqual(['huge'])
  // A page of a server that is no more reads everything anew.
  const stale = follow('0123456789ab-7')
  await until(() => stale.changes.length > 0, 2000)
  stale.close()
  expect(stale.changes[0]).toEqual({ rows: [], removed: [], reset: true })
})

test('a run that dies without a word is told as crashed', async () => {
  const file = join(root, 'live', 'run.json')
  const record = {
    status: 'running',
    pid: 2 ** 22 + 1,
    host: hostname(),
    heartbeat: new Date().toISOString(),
    name: 'live',
  }
  writeFileSync(file, JSON.stringify(record))
  await until(() => server.library.row('live')?.status === 'crashed', 3000)
  expect(server.library.row('live')!.status).toBe('crashed')
})
