/** @file A hundred kills at random moments, also within the writing of a checkpoint. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BUILT, type Cycle, KillHarness } from '../helpers/kill.ts'

const KILLS = Number(process.env.KILLS ?? 100)
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31)

test(`${KILLS} runs, each killed and resumed to the end`, async () => {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
  expect(existsSync(BUILT[0]!)).toBe(true)
  const harness = await KillHarness.open(BUILT, 60)
  console.log(`KILL_SEED=${SEED}`)
  const killed: Cycle[] = []
  for (let i = 0; killed.length < KILLS; i++) {
    const cycle = await harness.cycle(SEED + i)
    // One that was done before its moment came shows nothing.
    if (cycle.kills > 0) killed.push(cycle)
  }
  const sum = (count: (cycle: Cycle) => number) => killed.reduce((total, cycle) => total + count(cycle), 0)
  const good = killed.filter(({ same }) => same)
  console.log(
    `${sum(({ kills }) => kills)} kills in ${killed.length} runs, ${sum(({ withinSave }) => withinSave)} of them within a save: ` +
      `${good.length} of ${killed.length} runs came to the bytes of the undisturbed one`,
  )
  expect(killed.filter(({ same }) => !same)).toEqual([])
  expect(sum(({ withinSave }) => withinSave)).toBeGreaterThan(KILLS / 50)
})
