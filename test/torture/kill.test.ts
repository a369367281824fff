/** @file A hundred kills at random moments, also within the writing of a checkpoint. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BUILT, type Cycle, KillHarness } from '../helpers/kill.ts'

const KILLS = Number(process.env.KILLS ?? 100)
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31)

test(`${KILLS} kills, each resumed to the end`, async () => {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  expect(existsSync(BUILT[0]!)).toBe(true)
  const harness = await KillHarness.open(BUILT, 60)
  const cycles: Cycle[] = []
  const sum = (count: (cycle: Cycle) => number) => cycles.reduce((total, cycle) => total + count(cycle), 0)
  console.log(`KILL_SEED=${SEED}`)
  for (let i = 0; sum(({ kills }) => kills) < KILLS; i++) cycles.push(await harness.cycle(SEED + i))
  const killed = cycles.filter(({ kills }) => kills > 0)
  const good = killed.filter(({ same }) => same)
  console.log(
    `${sum(({ kills }) => kills)} kills in ${killed.length} runs, ${sum(({ withinSave }) => withinSave)} of them within a save: ` +
      `${good.length} of ${killed.length} runs came to the bytes of the undisturbed one`,
  )
  expect(killed.filter(({ same }) => !same)).toEqual([])
  expect(sum(({ withinSave }) => withinSave)).toBeGreaterThan(KILLS / 50)
})
