import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { gitState, hardware, memory } from '../../src/track/hardware.ts'
import { RunFolder } from '../../src/track/run-folder.ts'
import { RunLock } from '../../src/track/run-lock.ts'
import { withFs } from '../../src/util/fs-ops.ts'
import { FaultyFs } from '../helpers/faulty-fs.ts'
import { tempFolder } from '../helpers/temp.ts'

const start = (parent: string, name = 'my run: ä/b') =>
  RunFolder.create(parent, { name, hash: 'abcdef0123456789', medtune: '0.0.0', hardware: hardware() })
const read = (folder: RunFolder, name: string) => JSON.parse(readFileSync(folder.file(name), 'utf8'))

test('a folder is named after the time, the recipe and its hash, and says that it runs', async () => {
  const folder = await start(join(tempFolder(), 'not', 'there', 'yet'))
  expect(basename(folder.path)).toMatch(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-my-run-b-abcdef01$/)
  const parts = ['adapter', 'checkpoints', 'eval', 'exports', 'logs']
  expect(readdirSync(folder.path).sort()).toEqual(['.spare', ...parts, 'owner.1.json', 'run.json'])
  expect(read(folder, 'run.json')).toMatchObject({ status: 'running', pid: process.pid, step: 0 })
  folder.progress(7, 9)
  await folder.useSpare()
  await folder.finish('failed', 'no more disk')
  expect(readdirSync(folder.path).sort()).toEqual([...parts, 'run.json'])
  const record = read(folder, 'run.json')
  expect(record).toMatchObject({ status: 'failed', reason: 'no more disk', step: 7, steps: 9 })
  expect(Date.parse(record.ended)).toBeGreaterThanOrEqual(Date.parse(record.started))
})

test('a folder that cannot be begun with is given up at once: nobody owns it, and it says why', async () => {
  const parent = tempFolder()
  const sound = new FaultyFs()
  await (await withFs(sound, () => start(parent))).finish('done')
  for (let at = 1; at < sound.count; at++) {
    const fs = new FaultyFs({ at, code: 'EIO', forGood: false })
    const folder = await withFs(fs, () => start(join(parent, String(at)))).catch(() => undefined)
    await folder?.finish('done')
    for (const name of existsSync(join(parent, String(at))) ? readdirSync(join(parent, String(at))) : [])
      (await RunLock.take(join(parent, String(at), name))).release()
  }
})

test('two runs in one second get two folders', async () => {
  const parent = tempFolder()
  const folders = await Promise.all([start(parent, 'x'), start(parent, 'x'), start(parent, 'x')])
  expect(new Set(folders.map(({ path }) => path)).size).toBe(3)
  for (const folder of folders) await folder.finish('done')
})

test('items are a line each, with what the evaluation says of them', async () => {
  const folder = await start(tempFolder())
  await folder.writeItems('mc', 'base', [
    { id: 'a', score: 1, weight: 1, detail: { prompt: 'p', prediction: 'x' } },
    { id: 'b', score: Number.NaN, weight: 3 },
  ])
  await folder.finish('done')
  const text = readFileSync(folder.file('eval', 'mc.base.jsonl'), 'utf8')
  expect(text).toBe(
    '{"id":"a","prompt":"p","prediction":"x","score":1,"weight":1}\n{"id":"b","score":"NaN","weight":3}\n',
  )
})

test('what the run ran on', async () => {
  expect(hardware().cores).toBeGreaterThan(0)
  const { now, peak } = memory()
  expect(now).toBeGreaterThan(20e6)
  expect(peak).toBeGreaterThanOrEqual(now * 0.9)
  expect(await gitState(tempFolder())).toBeUndefined()
})
