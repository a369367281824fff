/** @file Run folders as they are found: whole, torn, crashed, with NaN, resumed, from a newer version, hostile. */
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { cacheFile } from '../../src/track/read/column-cache.ts'
import { ColumnStore } from '../../src/track/read/column-store.ts'
import { findRuns } from '../../src/track/read/find.ts'
import { flatten } from '../../src/track/read/flatten.ts'
import { readLines } from '../../src/track/read/lines.ts'
import { standing } from '../../src/track/read/liveness.ts'
import { readRow } from '../../src/track/read/run-row.ts'
import { pickRuns } from '../../src/track/read/runs.ts'
import { makeRun, stepEvent } from '../helpers/run-folders.ts'
import { tempFolder } from '../helpers/temp.ts'

const events = (root: string, id: string): string => join(root, id, 'events.jsonl')
const row = (root: string, id: string) => readRow(root, id, new ColumnStore(root))

/** As if nothing had been written for a minute. */
function settle(file: string): void {
  const past = new Date(Date.now() - 60_000)
  utimesSync(file, past, past)
}

async function losses(store: ColumnStore, id: string): Promise<number[]> {
  return [...((await (await store.open(id))!.column('step', 'loss')) ?? [])]
}

test('runs are found newest first, in folders of sweeps too, and nothing else is', async () => {
  const root = tempFolder()
  for (const id of ['2026-01-01T00-00-00Z-a', 'sweep-1/2026-01-03T00-00-00Z-t', '2026-01-02T00-00-00Z-b'])
    makeRun(root, { id })
  mkdirSync(join(root, '.trash', 'x'), { recursive: true })
  writeFileSync(join(root, '.trash', 'x', 'run.json'), '{}')
  mkdirSync(join(root, 'notes'))
  symlinkSync(join(root, '2026-01-01T00-00-00Z-a'), join(root, 'link'))
  expect(await findRuns(root)).toEqual([
    'sweep-1/2026-01-03T00-00-00Z-t',
    '2026-01-02T00-00-00Z-b',
    '2026-01-01T00-00-00Z-a',
  ])
  expect(await findRuns(join(root, 'nowhere'))).toEqual([])
})

test('a loss on held-out rows is a figure of a finished run too; the base model is only what came before a step', async () => {
  const root = tempFolder()
  const held = (step: number, loss: number): string =>
    `${JSON.stringify({ time: '2026-11-22T10:00:00Z', type: 'eval', step, name: 'holdout', scores: { loss } })}\n`
  makeRun(root, { id: 'a', steps: 4, tail: held(2, 3) + held(4, 2.5) })
  makeRun(root, { id: 'b', steps: 4, status: 'failed', tail: held(0, 4) })
  const [a, b] = [await row(root, 'a'), await row(root, 'b')]
  expect([a.figures['eval.holdout.loss'], a.figures['eval.holdout.loss.base']]).toEqual([2.5, undefined])
  expect([b.figures['eval.holdout.loss'], b.figures['eval.holdout.loss.base']]).toEqual([undefined, 4])
})

test('columns come from the cache once a file is quiet, and the cache may be deleted or damaged', async () => {
  const root = tempFolder()
  makeRun(root, { id: 'a', steps: 50 })
  settle(events(root, 'a'))
  const first = await losses(new ColumnStore(root), 'a')
  expect(first).toHaveLength(50)
  expect(first[1]).toBe(3.5)
  const file = cacheFile(root, 'a')
  expect(existsSync(file)).toBe(true)
  expect(await losses(new ColumnStore(root), 'a')).toEqual(first)
  // A header that is cut off, one that lies about its length, another file altogether.
  for (const damage of ['MTCOLS1\n', 'MTCOLS1\n\u00ff\u00ff\u00ff\u007f{}', 'something else']) {
    writeFileSync(file, damage)
    expect(await losses(new ColumnStore(root), 'a')).toEqual(first)
  }
  // Deleted under a store that knows it, even between a run's opening and its reading.
  const store = new ColumnStore(root)
  const opened = (await store.open('a'))!
  rmSync(join(root, '.cache'), { recursive: true })
  expect([...(await opened.column('step', 'loss'))!]).toEqual(first)
  expect(existsSync(file)).toBe(true)
  rmSync(join(root, '.cache'), { recursive: true })
  expect(await losses(new ColumnStore(root, { cache: false }), 'a')).toEqual(first)
  expect(existsSync(join(root, '.cache'))).toBe(false)
})

test('a run that goes on after its columns were put in the cache does not count as being there', async () => {
  const root = tempFolder()
  makeRun(root, { id: 'a', steps: 5 })
  settle(events(root, 'a'))
  const store = new ColumnStore(root)
  await store.open('a')
  expect(store.isStored('a')).toBe(true)
  appendFileSync(events(root, 'a'), '{"type":"step","step":6,"loss":1}\n')
  expect(await losses(store, 'a')).toHaveLength(6)
  expect([store.isStored('a'), store.isAtHand('a')]).toEqual([false, true])
})

test('what was read before a disk failed counts once when it is asked again', async () => {
  const root = tempFolder()
  makeRun(root, { id: 'a', steps: 10_000 })
  const file = events(root, 'a')
  writeFileSync(
    file,
    `{"type":"eval","step":0,"name":"qa","scores":{"acc":1}}\n${readFileSync(file, 'utf8')}`,
  )
  const handle = await open(file)
  const reader = Object.getPrototypeOf(handle)
  await handle.close()
  const read = reader.read
  const spy = vi.spyOn(reader, 'read').mockImplementation(function (this: unknown, ...args: unknown[]) {
    return args[3] === 1 << 20 ? Promise.reject(new Error('EIO')) : read.apply(this, args)
  })
  const store = new ColumnStore(root)
  await expect(store.open('a')).rejects.toThrow('EIO')
  spy.mockRestore()
  const { header } = (await store.open('a'))!
  expect([header.tables['eval.qa']!.length, header.tables.step!.length]).toEqual([1, 10_000])
})

test('lines are read whole wherever the pieces of a long file end', async () => {
  const file = join(tempFolder(), 'long')
  const lines = Array.from({ length: 40_000 }, (_, i) => `${i} ${'abc\u00e9'.repeat(1 + (i % 37))}`)
  writeFileSync(file, `${lines.join('\n')}\ntorn`)
  const handle = await open(file)
  const found: string[] = []
  const { end, torn, skipped } = await readLines(handle, 0, (line) => found.push(line))
  await handle.close()
  const { size } = statSync(file)
  expect(size).toBeGreaterThan(3 << 20)
  expect(found).toEqual(lines)
  expect([end, torn, skipped]).toEqual([size - 4, 4, 0])
})

test('a run that is written to is read on from where it was, the half line left for later', async () => {
  const root = tempFolder()
  makeRun(root, { id: 'a', steps: 3, status: 'running' })
  const store = new ColumnStore(root)
  expect(await losses(store, 'a')).toHaveLength(3)
  const next = `${stepEvent(4, 7)}\n`
  appendFileSync(events(root, 'a'), next.slice(0, 30))
  expect(await losses(store, 'a')).toHaveLength(3)
  appendFileSync(events(root, 'a'), next.slice(30))
  expect((await losses(store, 'a')).at(-1)).toBe(7)
  // Written anew, as when a folder is copied over: nothing of the old stays.
  rmSync(events(root, 'a'))
  writeFileSync(events(root, 'a'), `${stepEvent(1, 9)}\n`)
  expect(await losses(store, 'a')).toEqual([9])
})

test('after a resume the steps that come again replace the first ones', async () => {
  const root = tempFolder()
  const again = [3, 4].map((step) => `${stepEvent(step, 10 + step)}\n`).join('')
  makeRun(root, { id: 'a', steps: 5, status: 'running', tail: again })
  const run = (await new ColumnStore(root).open('a'))!
  expect([...(await run.column('step', 'step'))!]).toEqual([1, 2, 3, 4])
  expect([...(await run.column('step', 'loss'))!].slice(2)).toEqual([13, 14])
  expect([...(await run.column('step', 'tokens_seen'))!]).toEqual([1000, 2000, 3000, 4000])
})

test('NaN, torn, odd and unknown lines are told and break nothing', async () => {
  const root = tempFolder()
  const odd = [
    'not json',
    '[]',
    '{"type":"step","step":"x"}',
    '{"type":"from-the-future","time":"2026-11-22T10:00:30Z","what":{}}',
    '{"type":"eval","name":"__proto__","step":9,"scores":{"constructor":1,"accuracy":"NaN"}}',
    stepEvent(21, Number.NaN, { zeta: 4, toString: 1 }),
    '{"type":"step","step":22,"lo',
  ]
  makeRun(root, {
    id: 'a',
    status: 'failed',
    loss: (step) => (step > 18 ? Number.NaN : step),
    tail: odd.join('\n'),
  })
  settle(events(root, 'a'))
  const store = new ColumnStore(root)
  const run = (await store.open('a'))!
  const loss = (await run.column('step', 'loss'))!
  expect([loss.length, loss[17], loss[20]]).toEqual([21, 18, Number.NaN])
  expect(run.header.tables.step!.columns.loss).toMatchObject({ min: 1, max: 18, last: 18, odd: 3 })
  expect((await run.column('step', 'zeta'))!.at(-1)).toBe(4)
  expect(await run.column('step', 'constructor')).toBeUndefined()
  expect(await run.column('constructor', 'name')).toBeUndefined()
  expect(({} as Record<string, unknown>).accuracy).toBeUndefined()
  const { problems, figures, step } = await readRow(root, 'a', store)
  expect(problems).toEqual(['events.jsonl: the last line is torn', 'events.jsonl: 3 lines are no events'])
  expect(figures).toMatchObject({ loss: 18, 'loss.min': 1, 'loss.max': 18 })
  expect(step).toBe(21)
})

test('the row says the same from the end of a long file as from the whole of it', async () => {
  const root = tempFolder()
  makeRun(root, { id: 'a', steps: 2000, status: 'failed' })
  settle(events(root, 'a'))
  const quick = await row(root, 'a')
  const store = new ColumnStore(root)
  await store.open('a')
  const whole = await readRow(root, 'a', store)
  expect(quick.figures.loss).toBe(whole.figures.loss)
  expect([quick.step, quick.figures['loss.min']]).toEqual([2000, undefined])
  expect(whole.figures['loss.max']).toBe(5)
})

test('a run whose process is gone has crashed; elsewhere its heartbeat tells', () => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  const at = (seconds: number): string => new Date(now - 1000 * seconds).toISOString()
  const dead = spawnSync(process.execPath, ['-e', '0']).pid
  const host = (makeHost: string, pid: number, age: number) =>
    standing({ status: 'running', host: makeHost, pid, heartbeat: at(age) }, now)
  const here = spawnSync('hostname', { encoding: 'utf8' }).stdout.trim()
  expect(host(here, process.pid, 5)).toBe('running')
  expect(host(here, dead, 5)).toBe('crashed')
  // A number that another process got since.
  expect(host(here, process.pid, 3600)).toBe('crashed')
  expect(host('elsewhere', dead, 30)).toBe('running')
  expect(host('elsewhere', dead, 61)).toBe('crashed')
  expect(standing({ status: 'running' }, now)).toBe('crashed')
  expect(standing({ status: 'paused' }, now)).toBe('paused')
})

test('a newer version, damaged records and links out of the folder are problems of the row', async () => {
  const root = tempFolder()
  const secret = join(tempFolder(), 'secret.json')
  writeFileSync(secret, '{"recipe":{"password":"hunter2"}}')
  const folder = makeRun(root, { id: 'a', record: { medtune: '9.1.0', status: 'dreaming' } })
  rmSync(join(folder, 'resolved.json'))
  symlinkSync(secret, join(folder, 'resolved.json'))
  writeFileSync(join(folder, 'report.json'), '{"eval":')
  const { status, problems, config } = await row(root, 'a')
  expect(status).toBe('dreaming')
  expect(problems).toEqual([
    'resolved.json: it is a link out of the run folder',
    'report.json: it is not valid JSON',
    'written by medtune 9.1.0, newer than this one',
  ])
  expect(config).toEqual({})
  writeFileSync(join(folder, 'run.json'), '"text"')
  rmSync(events(root, 'a'))
  spawnSync('mkfifo', [events(root, 'a')])
  expect((await row(root, 'a')).problems).toContain('events.jsonl: it is not a regular file')
  expect((await row(root, 'a')).status).toBe('unreadable')
})

test('a line without an end is not held in memory', async () => {
  const root = tempFolder()
  makeRun(root, { id: 'a', steps: 2, status: 'failed' })
  appendFileSync(events(root, 'a'), `${'x'.repeat(20 << 20)}\n${stepEvent(3, 1)}\n`)
  const run = (await new ColumnStore(root, { cache: false }).open('a'))!
  expect([run.header.skipped, run.header.tables.step!.length]).toEqual([1, 3])
})

test('a cache that cannot be written costs time and nothing else', async () => {
  const root = tempFolder()
  makeRun(root, { id: 'a' })
  settle(events(root, 'a'))
  writeFileSync(join(root, '.cache'), 'a file in its place')
  expect(await losses(new ColumnStore(root), 'a')).toHaveLength(20)
  expect(readdirSync(root).sort()).toEqual(['.cache', 'a'])
})

test('a run is picked by path, id, part or end of it, and a word for several is refused', async () => {
  const root = tempFolder()
  for (const id of ['2026-a-first', '2026-b-second', 'sweep/2026-c-third']) makeRun(root, { id })
  const elsewhere = tempFolder()
  makeRun(elsewhere, { id: 'other' })
  const words = ['second', '2026-c-third', join(root, '2026-a-first'), join(elsewhere, 'other')]
  expect(await pickRuns(root, words)).toEqual([
    { root, id: '2026-b-second' },
    { root, id: 'sweep/2026-c-third' },
    { root, id: '2026-a-first' },
    { root: elsewhere, id: 'other' },
  ])
  await expect(pickRuns(root, ['2026'])).rejects.toThrow('"2026" means 3 runs')
  await expect(pickRuns(root, ['2026-b-secnod'])).rejects.toThrow('did you mean 2026-b-second')
  await expect(pickRuns(root, ['../..'])).rejects.toThrow('is no run folder')
})

test('a nested record is flat with dotted keys, whatever is in it', () => {
  const deep: { next?: object } = {}
  let end = deep
  for (let i = 0; i < 5000; i++) end = end.next = {}
  const flat = flatten({ a: { b: 1, c: [1, 'x'] }, d: [{ e: null }], f: {}, g: 'y'.repeat(5000) })
  expect([...flat].slice(0, 4)).toEqual([
    ['a.b', 1],
    ['a.c', '[1, x]'],
    ['d.0.e', null],
    ['f', '{}'],
  ])
  expect(String(flat.get('g'))).toHaveLength(1000)
  expect(flatten(JSON.parse('{"__proto__":{"x":1}}')).get('__proto__.x')).toBe(1)
})
