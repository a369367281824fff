import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
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
  const runs = 60
  for (let i = 0; i < runs; i++) {
    mkdirSync(join(root, String(i)))
    // Some never had an owner.
    if (i % 3 > 0) own(join(root, String(i)), dead(), i)
  }
  const racer = fileURLToPath(new URL('../helpers/lock-racer.ts', import.meta.url))
  const begin = String(Date.now() + 4000)
  const children = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ['--import', import.meta.resolve('tsx'), racer, root, begin], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const wins = await Promise.all(
    children.map(async (child) => {
      for await (const line of child.stdout) return Number(String(line))
      return Number.NaN
    }),
  )
  for (const child of children) child.stdin.end()
  expect(wins.reduce((a, b) => a + b)).toBe(runs)
  // That they met is what makes it a test.
  expect(wins.filter((count) => count > 0).length).toBeGreaterThan(1)
  for (let i = 0; i < runs; i++) {
    const names = readdirSync(join(root, String(i)))
    expect(names.filter((name) => name.startsWith('won-'))).toHaveLength(1)
  }
  expect(existsSync(root)).toBe(true)
})
