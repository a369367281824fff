/** @file Tries many seeded cases on a target in a thread of its own: an uncaught error, a hang or a stray file is a failure. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startWorker } from '../../src/util/worker.ts'
import { tempFolder } from '../helpers/temp.ts'

/** One case takes milliseconds; without any for so long, something hangs. */
const PATIENCE_MS = 30_000

interface Outcome {
  readonly runs: number
  /** Cases whose damage was met: refused with an error for the user, or gone around. */
  readonly noticed: number
}

/** @throws Error with the seed and the smallest case that fails */
export async function fuzz(module: URL, runs: number, seed: number): Promise<Outcome> {
  const around = tempFolder()
  const folder = join(around, 'inside')
  mkdirSync(folder)
  writeFileSync(join(around, 'canary'), 'untouched')
  const outcome = await watch(
    startWorker(new URL('./fuzz-worker.ts', import.meta.url), { module: module.href, folder, seed, runs }),
  )
  const outside = readdirSync(around).toSorted()
  if (outside.join() !== 'canary,inside') throw new Error(`files appeared outside the folder: ${outside}`)
  return outcome
}

type Message =
  | { readonly kind: 'trying'; readonly input: string }
  | ({ readonly kind: 'done'; readonly failure?: string } & Outcome)

function watch(worker: ReturnType<typeof startWorker>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let input = 'nothing yet'
    let timer: NodeJS.Timeout
    const finish = (action: () => void): void => {
      clearTimeout(timer)
      void worker.terminate().then(action)
    }
    const wind = (): void => {
      clearTimeout(timer)
      timer = setTimeout(() => finish(() => reject(new Error(`hangs on ${input}`))), PATIENCE_MS)
    }
    wind()
    worker.on('error', (error) => finish(() => reject(error)))
    worker.on('message', (message: Message) => {
      wind()
      if (message.kind === 'trying') input = message.input
      else if (message.failure !== undefined) finish(() => reject(new Error(message.failure)))
      else finish(() => resolve({ runs: message.runs, noticed: message.noticed }))
    })
  })
}
