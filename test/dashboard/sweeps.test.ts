/** @file Sweeps as the server tells of them: how they stand, their trials, live, and journals that are damaged. */
import {
  appendFileSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportReport } from '../../src/dashboard/server/report.ts'
import { type Dashboard, startDashboard } from '../../src/dashboard/server/server.ts'
import type { Change, Overview, SweepDetail, SweepRow } from '../../src/dashboard/shared/wire.ts'
import { runKey } from '../../src/track/run-key.ts'
import { iso, makeRun } from '../helpers/run-folders.ts'
import { appendEvents, makeSweep, trialEvents, trialId } from '../helpers/sweep-folders.ts'
import { tempFolder } from '../helpers/temp.ts'

let root: string
let server: Dashboard
let live: string

beforeAll(async () => {
  root = tempFolder()
  const events = [
    ...trialEvents(0, { rank: 2, lr: 1e-3, value: 3 }),
    ...trialEvents(1, { rank: 4, lr: 1e-4, value: 4, end: 'pruned', reason: 'number 2 of 2' }),
    ...trialEvents(2, { rank: 8, lr: 1e-2, end: 'failed', reason: 'out of memory' }),
  ]
  makeSweep(root, 'over', {
    id: 'aaaa0001',
    events: [...events, { type: 'end', status: 'done', reason: 'all 3' }],
    of: 3,
  })
  makeRun(root, { id: 'over/runs/first', record: { sweep: { id: 'aaaa0001', trial: trialId(0) } } })
  live = makeSweep(root, 'live', {
    id: 'aaaa0002',
    events: trialEvents(0, { rank: 2, lr: 1e-3, value: 3 }),
    of: 9,
    alive: true,
  })
  makeSweep(root, 'dead', { id: 'aaaa0003', events })
  const newer = makeSweep(root, 'newer', { id: 'aaaa0004' })
  writeFileSync(
    join(newer, 'sweep.jsonl'),
    '{"type":"sweep","time":"x","version":2,"space":[],"metric":{},"spec":{}}\n',
  )
  const odd = makeSweep(root, 'odd', {
    id: 'aaaa0005',
    events: trialEvents(0, { rank: 2, lr: 1e-3, value: 3 }),
  })
  const lines = [
    'nonsense',
    '{"type":"fail","time":"x","trial":7,"reason":"y"}',
    '{"type":"ask","time":"x","trial":"y"}',
    '{"type":"tell","time":"x","trial":"0000-0abc"}',
    '{"type":"ne',
  ]
  appendFileSync(join(odd, 'sweep.jsonl'), lines.join('\n'))
  makeSweep(root, 'ended', { id: 'aaaa0009', events: [{ type: 'end', status: 'done', reason: 5 }] })
  const wild = makeSweep(root, 'wild', { id: 'aaaa0008', space: [null] as never })
  appendEvents(wild, trialEvents(0, { rank: 2, lr: 1e-3, value: 3 }))
  const outside = makeSweep(tempFolder(), 'secret', { id: 'aaaa0006', name: 'secret' })
  const linked = makeSweep(root, 'linked', { id: 'aaaa0007' })
  rmSync(join(linked, 'sweep.jsonl'))
  symlinkSync(join(outside, 'sweep.jsonl'), join(linked, 'sweep.jsonl'))
  server = await startDashboard({ root, port: 0, assets: { script: '', style: '' } })
})

afterAll(() => server.close())

const ask = (path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { Authorization: `Bearer ${server.token}` } })
const overview = async (): Promise<Overview> => (await ask('/api/runs')).json() as Promise<Overview>
const detail = async (folder: string): Promise<SweepDetail> =>
  (await ask(`/api/sweep?sweep=${runKey(folder)}`)).json() as Promise<SweepDetail>
const rowOf = async (folder: string): Promise<SweepRow> =>
  (await overview()).sweeps.find((sweep) => sweep.folder === folder)!

test('the overview says how each sweep stands', async () => {
  const { sweeps, rows } = await overview()
  expect(Object.fromEntries(sweeps.map(({ folder, status }) => [folder, status]))).toEqual({
    over: 'done',
    live: 'running',
    dead: 'crashed',
    newer: 'unreadable',
    odd: 'crashed',
    linked: 'unreadable',
    wild: 'unreadable',
    ended: 'crashed',
  })
  expect(await rowOf('over')).toMatchObject({
    id: 'aaaa0001',
    name: 'demo',
    reason: 'all 3',
    of: 3,
    started: iso(0),
    counts: { done: 1, pruned: 1, failed: 1, running: 0, waiting: 0 },
  })
  expect(rows.map(({ id, sweep, trial }) => [id, sweep, trial])).toEqual([
    ['over/runs/first', 'aaaa0001', trialId(0)],
  ])
})

test('the trials with their values, the last report alone, and what is searched', async () => {
  const { trials, metric, space, method, pruner } = await detail('over')
  expect([metric.goal, space.length, method, pruner]).toEqual(['minimize', 3, 'tpe', 'asha'])
  expect(trials.map(({ status, value, reason }) => [status, value, reason])).toEqual([
    ['done', 3, undefined],
    ['pruned', 4, 'number 2 of 2'],
    ['failed', undefined, 'out of memory'],
  ])
  expect(trials[0]!.reports).toEqual([{ step: 20, value: 4 }])
})

test('a damaged journal is told of, and what can be read of it is shown', async () => {
  expect(await rowOf('newer')).toMatchObject({
    reason: expect.stringMatching(/version 2 .* is newer than this medtune/),
  })
  expect(await rowOf('odd')).toMatchObject({
    reason: 'sweep.jsonl: a line is no event of a sweep',
    counts: { done: 1 },
  })
  expect((await detail('odd')).trials).toHaveLength(1)
  expect(await rowOf('linked')).toMatchObject({ name: 'linked', reason: expect.stringMatching(/link out/) })
  for (const folder of ['linked', 'newer', 'wild', 'nowhere', '../secret'])
    expect((await ask(`/api/sweep?sweep=${runKey(folder)}`)).status).toBe(404)
  expect((await ask('/api/sweep?sweep=over')).status).toBe(404)
})

/** Comes back once a page has heard what `holds`. */
async function hear(cursor: string, act: () => void, holds: (change: Change) => boolean): Promise<void> {
  const control = new AbortController()
  const response = await fetch(`http://127.0.0.1:${server.port}/api/events?since=${cursor}`, {
    headers: { Authorization: `Bearer ${server.token}` },
    signal: control.signal,
  })
  act()
  let held = ''
  for await (const part of response.body!) {
    held += Buffer.from(part).toString()
    const found = held.match(/(?<=^data: ).+(?=\n\n)/gm) ?? []
    if (found.some((text) => holds(JSON.parse(text) as Change))) break
  }
  control.abort()
}

test('what happens in a sweep is heard, also by a page that was away', async () => {
  const { cursor } = await overview()
  const told = ({ sweeps = [] }: Change): boolean =>
    sweeps.some(({ folder, counts }) => folder === 'live' && counts.running === 1)
  const begin = (): void =>
    appendEvents(live, trialEvents(1, { rank: 8, lr: 1e-2, value: 2.5, end: 'running' }))
  await hear(cursor, begin, told)
  expect((await detail('live')).trials[1]).toMatchObject({
    status: 'running',
    reports: [{ step: 20, value: 2.5 }],
  })
  await hear(cursor, () => {}, told)
})

test('a torn line waits; what a resume cut off and wrote anew is read as it is', async () => {
  const file = join(live, 'sweep.jsonl')
  const whole = '{"type":"ask","time":"2026-11-22T10:00:09Z","trial":"0002-x","index":2,"params":{}}\n'
  const bytes = statSync(file).size
  appendFileSync(file, whole.slice(0, 30))
  const count = async (): Promise<number> => (await detail('live')).trials.length
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(await count()).toBe(2)
  truncateSync(file, bytes)
  appendFileSync(file, `{"type":"resume","time":"2026-11-22T10:00:09Z","changes":{}}\n${whole}`)
  await expect.poll(count, { timeout: 3000 }).toBe(3)
})

test('a report holds the sweeps of its runs, and no other', async () => {
  const file = join(tempFolder(), 'report.html')
  await exportReport(root, file, '')
  const packed = /id="medtune-report">([^<]+)</.exec(readFileSync(file, 'utf8'))![1]!
  const data = gunzipSync(Buffer.from(packed, 'base64'))
  const json = JSON.parse(data.subarray(4, 4 + data.readUInt32LE(0)).toString())
  expect(json.sweeps.map(({ folder }: SweepRow) => folder)).toEqual(['over'])
  expect(json.overview.sweeps).toHaveLength(1)
})
