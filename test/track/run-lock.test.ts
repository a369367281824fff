import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { lifeOf, thisProcess } from '../../src/track/process-id.ts'
import { RunLock } from '../../src/track/run-lock.ts'
import { tempFolder } from '../helpers/temp.ts'

const owners = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('owner.'))
const own = (folder: string, process: object, number = 1) =>
  writeFileSync(join(folder, `owner.${number}.json`), JSON.stringify(process))
/** A process that was: this one's number on the same machine, begun at another time. */
const dead = () => ({ ...thisProcess(), started: '1' })

test('a run has one owner; given up, it can be taken again', async () => {
  const folder = tempFolder()
  const lock = await RunLock.take(folder)
  expect(JSON.parse(readFileSync(join(folder, 'owner.1.json'), 'utf8'))).toMatchObject({
    host: hostname(),
    pid: process.pid,
  })
  await expect(RunLock.take(folder)).rejects.toThrow(
    /process \d+ on .* owns this run, since .*wait for it or stop it/,
  )
  lock.release()
  expect(readdirSync(folder)).toEqual([])
  ;(await RunLock.take(folder)).release()
})

test('who is dead: another boot, no such process, a number that was given out again', () => {
  const self = thisProcess()
  expect(lifeOf(self)).toBe('alive')
  expect(lifeOf({ ...self, pid: process.ppid, started: undefined as never })).toBe('alive')
  if (self.boot !== undefined) expect(lifeOf({ ...self, boot: 'another' })).toBe('dead')
  expect(lifeOf({ ...self, pid: 2 ** 22 + 7 })).toBe('dead')
  if (self.started !== undefined) expect(lifeOf({ ...self, started: '1' })).toBe('dead')
  expect(lifeOf({ ...self, host: 'elsewhere' })).toBe('unknown')
  expect(lifeOf({ ...self, space: 'pid:[1]' })).toBe('unknown')
})

test('a dead owner is noticed, and so is a file that a crash left damaged', async () => {
  const folder = tempFolder()
  own(folder, dead(), 7)
  const lock = await RunLock.take(folder)
  expect(owners(folder)).toEqual(['owner.8.json'])
  lock.release()
  writeFileSync(join(folder, 'owner.3.json'), '{"host"')
  const other = await RunLock.take(folder)
  expect(owners(folder)).toEqual(['owner.4.json'])
  other.release()
})

test('an owner that cannot be seen is listened for: alive while its heart beats', async () => {
  const folder = tempFolder()
  own(folder, { host: 'elsewhere', pid: 1 })
  let beats = 0
  const said: string[] = []
  const listening = { silence: 20, onWait: (message: string) => said.push(message) }
  await expect(RunLock.take(folder, { ...listening, pulse: () => String(beats++) })).rejects.toThrow(
    /process 1 on elsewhere owns this run.*if you know it to be gone, remove .*owner\.1\.json/,
  )
  expect(said[0]).toMatch(/last owned by process 1 on elsewhere: listening/)
  const lock = await RunLock.take(folder, { ...listening, pulse: () => 'still' })
  expect(owners(folder)).toEqual(['owner.2.json'])
  lock.release()
})

test('an owner that stood still and lost its run knows it', async () => {
  const folder = tempFolder()
  const lock = await RunLock.take(folder)
  expect(lock.held()).toBe(true)
  own(folder, { host: 'elsewhere', pid: 1 }, 2)
  expect(lock.held()).toBe(false)
})

test('of several processes that find a dead owner at the same moment, one wins each run', async () => {
  const root = tempFolder()
  const folders = Array.from({ length: 60 }, (_, i) => join(root, String(i)))
  folders.forEach((folder, i) => {
    mkdirSync(folder)
    // Some never had an owner.
    if (i % 3 > 0) own(folder, dead(), i)
  })
  const racer = fileURLToPath(new URL('../helpers/lock-racer.ts', import.meta.url))
  const racers = Array.from({ length: 3 }, () => {
    const { stdin, stdout } = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), racer], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
    return { stdin, said: async () => String((await lines.next()).value) }
  })
  const said = (): Promise<string[]> => Promise.all(racers.map((one) => one.said()))
  expect(await said()).toEqual(['ready', 'ready', 'ready'])
  const wins = [0, 0, 0]
  for (const [i, folder] of folders.entries()) {
    // Each is the first to hear of a run as often as the others.
    for (const k of [i, i + 1, i + 2]) racers[k % 3]!.stdin.write(`${folder}\n`)
    const result = await said()
    expect([...result].sort()).toEqual(['lost', 'lost', 'won'])
    wins[result.indexOf('won')]! += 1
  }
  // That they met is what makes it a test.
  expect(wins.filter((count) => count > 0).length).toBeGreaterThan(1)
  for (const { stdin } of racers) stdin.end()
  expect(await said()).toEqual(wins.map(String))
})
