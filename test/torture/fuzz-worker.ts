/** @file The thread that tries a target's cases one after another; the main thread watches that it goes on. */
import { parentPort, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { isExpected, type Target } from './target.ts'

const { module, folder, seed, runs } = workerData as {
  readonly module: string
  readonly folder: string
  readonly seed: number
  readonly runs: number
}

const { default: target } = (await import(module)) as { default: Target<unknown> }
const { cases, attempt } = await target.open(folder)
let noticed = 0

const property = fc.asyncProperty(cases, async (input) => {
  parentPort!.postMessage({ kind: 'trying', input: fc.stringify(input).slice(0, 4000) })
  try {
    if (await attempt(input)) noticed++
  } catch (error) {
    if (!isExpected(error)) throw error
    noticed++
  }
  if (Object.keys(Object.prototype).length > 0) throw new Error('Object.prototype was changed')
})
const result = await fc.check(property, { seed, numRuns: runs, endOnFailure: false })
const failure = result.failed
  ? `seed ${seed}, path ${result.counterexamplePath}\n${fc.stringify(result.counterexample).slice(0, 3000)}\n${(result.errorInstance as Error | undefined)?.stack ?? 'interrupted'}`
  : undefined
parentPort!.postMessage({ kind: 'done', runs: result.numRuns, noticed, failure })
