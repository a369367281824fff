import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunEvent, Tracker } from '../../src/plugin/contract.ts'
import { EventLog } from '../../src/track/events.ts'
import { stringify, toNumber } from '../../src/track/json.ts'
import { tempFolder } from '../helpers/temp.ts'

const lines = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
const warning = (message: string) => ({ type: 'warning', code: 'test', message }) as const
const collector = (seen: RunEvent[]): Tracker => ({
  async record(event) {
    await new Promise((resolve) => setTimeout(resolve, event.type === 'warning' ? 3 : 0))
    seen.push(event)
  },
})

test('events are appended in order with their time, and reach every tracker in the same order', async () => {
  const file = join(tempFolder(), 'events.jsonl')
  const seen: RunEvent[] = []
  const heard: RunEvent[] = []
  const log = new EventLog(file, [{ name: 'slow', tracker: collector(seen) }], [(event) => heard.push(event)])
  log.emit(warning('one'))
  log.emit({ type: 'checkpoint', step: 1, path: 'x' })
  log.emit(warning('two'))
  await log.close({ type: 'end', status: 'done' })
  const written = lines(file)
  expect(written.map(({ type }) => type)).toEqual(['warning', 'checkpoint', 'warning', 'end'])
  for (const { time } of written) expect(new Date(time as string).toISOString()).toBe(time)
  expect(seen).toEqual(written)
  expect(heard).toEqual(written)
})

test('numbers that JSON lacks are written as strings and read back', () => {
  const file = join(tempFolder(), 'events.jsonl')
  const log = new EventLog(file)
  log.emit({
    type: 'eval',
    step: 1,
    name: 'x',
    scores: { a: Number.NaN, b: Number.NEGATIVE_INFINITY, c: 1.5 },
  })
  expect(lines(file)[0]!.scores).toEqual({ a: 'NaN', b: '-Infinity', c: 1.5 })
  expect(toNumber('NaN')).toBeNaN()
  expect([toNumber('-Infinity'), toNumber(2), toNumber('2')]).toEqual([
    Number.NEGATIVE_INFINITY,
    2,
    undefined,
  ])
  expect(stringify({ a: [Number.POSITIVE_INFINITY] })).toBe('{"a":["Infinity"]}')
})

test('a tracker that fails costs one warning; the others and the file lose nothing', async () => {
  const file = join(tempFolder(), 'events.jsonl')
  const seen: RunEvent[] = []
  const broken: Tracker = {
    record() {
      throw new Error('connection refused')
    },
    close: async () => {
      throw new Error('still refused')
    },
  }
  const log = new EventLog(file, [
    { name: 'broken', tracker: broken },
    { name: 'fine', tracker: collector(seen) },
  ])
  for (let i = 0; i < 5; i++) log.emit(warning(String(i)))
  await log.close({ type: 'end', status: 'done' })
  const complaints = lines(file).filter(({ code }) => code === 'tracker')
  expect(complaints).toHaveLength(1)
  expect(complaints[0]!.message).toBe('tracker broken: connection refused; the run goes on')
  expect(seen.map(({ type }) => type).filter((type) => type !== 'warning')).toEqual(['end'])
  expect(seen).toHaveLength(7)
})

test('nothing is written after the end', async () => {
  const file = join(tempFolder(), 'events.jsonl')
  const log = new EventLog(file)
  await log.close({ type: 'end', status: 'stopped', reason: 'SIGINT' })
  log.emit(warning('late'))
  expect(lines(file)).toHaveLength(1)
  expect(lines(file)[0]).toMatchObject({ status: 'stopped', reason: 'SIGINT' })
})
