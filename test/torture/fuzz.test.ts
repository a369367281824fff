/** @file Damaged input of every kind: never an uncaught error, never a hang, never a file where none belongs. */
import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 10_000)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
console.log(`FUZZ_SEED=${SEED} FUZZ_RUNS=${RUNS}`)

test.for(['recipe', 'data', 'safetensors'])('%s', async (name) => {
  const { runs, refused } = await fuzz(new URL(`./targets/${name}.ts`, import.meta.url), RUNS, SEED)
  console.log(`${name}: ${runs} cases, ${refused} refused, the others read`)
  expect(runs).toBe(RUNS)
  // All refused or none would mean that nothing was tried.
  expect(refused / runs).toBeGreaterThan(0.2)
  expect(refused / runs).toBeLessThan(0.95)
})
