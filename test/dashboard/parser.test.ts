/** @file The thread that parses runs for the server: what it leaves, and that two at work give what one does. */
import { existsSync, readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { Library } from '../../src/dashboard/server/library.ts'
import { Parser } from '../../src/dashboard/server/parser.ts'
import { readSeries } from '../../src/dashboard/shared/series.ts'
import { cacheFile } from '../../src/track/read/column-cache.ts'
import { ColumnStore } from '../../src/track/read/column-store.ts'
import { runKey } from '../../src/track/run-key.ts'
import { makeRun } from '../helpers/run-folders.ts'
import { tempFolder } from '../helpers/temp.ts'

/** Runs that nobody has written to for a minute. */
function quietRuns(count: number): { readonly root: string; readonly ids: readonly string[] } {
  const root = tempFolder()
  const past = new Date(Date.now() - 60_000)
  const ids = Array.from({ length: count }, (_, i) => `run-${i}`)
  for (const [i, id] of ids.entries()) {
    makeRun(root, { id, steps: 200, loss: (step) => i + 1 / step })
    utimesSync(join(root, id, 'events.jsonl'), past, past)
  }
  return { root, ids }
}

test('a run that is over lies in the cache afterwards; one that is written to, or is none, does not', async () => {
  const { root, ids } = quietRuns(1)
  makeRun(root, { id: 'fresh' })
  const parser = new Parser(root)
  const stored = await Promise.all([...ids, 'fresh', 'nowhere'].map((id) => parser.parse(id)))
  expect(stored).toEqual([true, false, false])
  expect([existsSync(cacheFile(root, ids[0]!)), existsSync(cacheFile(root, 'fresh'))]).toEqual([true, false])
  const waiting = parser.parse('run-0')
  await parser.close()
  expect(await waiting).toBe(false)
})

test('a thread that ends in the middle keeps nobody waiting; the next question starts another', async () => {
  const { root } = quietRuns(2)
  const parser = new Parser(root)
  const post = vi.spyOn(Worker.prototype, 'postMessage')
  const waiting = parser.parse('run-0')
  const [thread] = post.mock.contexts
  post.mockRestore()
  await (thread as Worker).terminate()
  expect(await waiting).toBe(false)
  expect(await parser.parse('run-1')).toBe(true)
  await parser.close()
})

test('many runs at once are read by two threads, each once, as one thread would', async () => {
  const { root, ids } = quietRuns(24)
  const keys = ids.map(runKey)
  const query = { keys, metric: 'loss', x: 'step', from: Number.NaN, to: Number.NaN } as const
  const asked = { ...query, buckets: 50, log: false, smoothing: 0.5 }
  const alone = new ColumnStore(root, { cache: false })
  const expected = await readSeries((key) => alone.open(ids[keys.indexOf(key)]!), asked)
  const library = new Library(root)
  await library.rows()
  const post = vi.spyOn(Worker.prototype, 'postMessage')
  const [found] = await Promise.all([readSeries((key) => library.open(key), asked), library.parseAhead(keys)])
  const given = post.mock.calls.map(([id]) => id)
  post.mockRestore()
  expect(found).toEqual(expected)
  // From the last on, and no further than to where the reader was.
  expect(given).toEqual(ids.toReversed().slice(0, given.length))
  expect(given.length).toBeGreaterThan(0)
  expect(given.length).toBeLessThan(24)
  expect(found.series).toHaveLength(24)
  expect(readdirSync(join(root, '.cache')).filter((name) => name.endsWith('.columns'))).toHaveLength(24)
  await library.close()
})

test('an answer that nobody waits for any more is not worked out to its end', async () => {
  const { root, ids } = quietRuns(24)
  const store = new ColumnStore(root, { cache: false })
  const opened: string[] = []
  const open = (id: string) => {
    opened.push(id)
    return store.open(id)
  }
  const query = { keys: ids, metric: 'loss', x: 'step', from: Number.NaN, to: Number.NaN } as const
  const isWanted = () => opened.length < 9
  const { series } = await readSeries(open, { ...query, buckets: 50, log: false, smoothing: 0 }, isWanted)
  expect(opened).toEqual(ids.slice(0, 16))
  expect(series).toEqual([])
})

test('nothing is parsed any more once the server is closed', async () => {
  const { root, ids } = quietRuns(24)
  const library = new Library(root)
  await library.rows()
  await library.close()
  await library.parseAhead(ids.map(runKey))
  expect(existsSync(join(root, '.cache'))).toBe(false)
})
