/** @file Damaged input of every kind: never an uncaught error, never a hang, never a file where none belongs. */
import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 10_000)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31)
console.log(`FUZZ_SEED=${SEED} FUZZ_RUNS=${RUNS}`)

test.for(['recipe', 'data', 'safetensors', 'run-folder'])('%s', async (name) => {
  const { runs, noticed } = await fuzz(new URL(`./targets/${name}.ts`, import.meta.url), RUNS, SEED)
  console.log(`${name}: ${runs} cases, damage noticed in ${noticed}, the others read`)
  expect(runs).toBe(RUNS)
  // All or none would mean that nothing was tried.
  expect(noticed / runs).toBeGreaterThan(0.1)
  expect(noticed / runs).toBeLessThan(0.95)
})
