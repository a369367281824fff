/** @file TensorBoard's event files, byte for byte as its own writer makes them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { summaryRecord, versionRecord } from '../../../plugins/tracker/tensorboard/record.ts'
import tensorboard from '../../../plugins/tracker/tensorboard.ts'
import { EventLog } from '../../../src/track/events.ts'
import { tempFolder } from '../../helpers/temp.ts'

const fixture = JSON.parse(readFileSync(new URL('../../fixtures/tensorboard.json', import.meta.url), 'utf8'))

test('records of figures and of text', () => {
  const { time } = fixture
  expect(versionRecord(time).toString('hex')).toBe(fixture.version)
  const scalars = [
    { tag: 'train/loss', value: 2.5 },
    { tag: 'train/lr', value: 1e-4 },
    { tag: 'eval/x/nan', value: Number.NaN },
  ]
  expect(summaryRecord(time, 300, scalars).toString('hex')).toBe(fixture.scalars)
  const text = { tag: 'sample/Was ist das?', text: `Grüße <b>\n${'lang '.repeat(60)}` }
  expect(summaryRecord(time, 70_000, [text]).toString('hex')).toBe(fixture.text)
})

test('a run writes one file, a record an event that has figures', async () => {
  const folder = tempFolder()
  const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }
  const log = new EventLog(join(folder, 'events.jsonl'), [
    { name: 'tensorboard', tracker: await tensorboard.create({}, context) },
  ])
  const time = new Date(1_764_082_800_125)
  log.emit({ type: 'warning', code: 'x', message: 'y' }, time)
  log.emit({ type: 'eval', step: 3, name: 'held-out', scores: { accuracy: 0.5 } }, time)
  log.emit({ type: 'sample', step: 4, prompt: 'p', text: '' }, time)
  await log.close({ type: 'end', status: 'done' })
  const [name, ...others] = readdirSync(join(folder, 'tensorboard'))
  expect(others).toEqual([])
  const bytes = readFileSync(join(folder, 'tensorboard', name!))
  const records = [
    summaryRecord(1_764_082_800.125, 3, [{ tag: 'eval/held-out/accuracy', value: 0.5 }]),
    summaryRecord(1_764_082_800.125, 4, [{ tag: 'sample/p', text: '' }]),
  ]
  const rest = bytes.subarray(versionRecord(0).length)
  expect(rest.equals(Buffer.concat(records))).toBe(true)
})
