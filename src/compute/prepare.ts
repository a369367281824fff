/** @file What parameters start from, worked out ahead on all cores where it takes long. */
import { availableParallelism } from 'node:os'
import { InputError } from '../util/errors.ts'
import { startWorker } from '../util/worker.ts'
import type { ParameterSpec } from './graph.ts'
import { canStore, factorFile, isStored, type SingularInit } from './stored-factors.ts'

export interface PrepareOptions {
  /** Hears after each matrix how many are done. */
  readonly progress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Fills the cache with the singular factors that the parameters start from, so that an executor finds them there.
 * Where the cache cannot be written, the executor works them out itself.
 * @throws InputError where a weight file cannot be read; the signal's reason
 */
export async function prepareParameters(
  parameters: readonly ParameterSpec[],
  { progress, signal }: PrepareOptions = {},
): Promise<void> {
  const wanted = new Map<string, SingularInit>()
  for (const { init } of parameters) if (init.kind === 'svd') wanted.set(factorFile(init), init)
  const all = [...wanted.values()]
  const missing = all.filter((init) => !isStored(init))
  if (missing.length === 0 || !canStore()) return
  // The largest first, so that no thread is left with one of them at the end.
  missing.sort((x, y) => y.rows * y.columns - x.rows * x.columns)
  let done = all.length - missing.length
  progress?.(done, all.length)
  const stop = new AbortController()
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const threads = Array.from({ length: Math.min(availableParallelism(), missing.length) }, () =>
    work(missing, either, () => progress?.(++done, all.length)),
  )
  try {
    await Promise.all(threads)
  } finally {
    stop.abort()
    await Promise.allSettled(threads)
  }
}

/** One thread: takes matrices from the queue until it is empty. */
async function work(queue: SingularInit[], signal: AbortSignal, oneDone: () => void): Promise<void> {
  const worker = startWorker(new URL('./factor-worker.ts', import.meta.url), undefined)
  try {
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        const init = queue.shift()
        if (init) worker.postMessage(init)
        else resolve()
      }
      const abort = (): void => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      worker.on('error', reject)
      worker.on('message', (answer: { done: true } | { done: false; message: string }) => {
        if (!answer.done) return reject(new InputError(answer.message))
        oneDone()
        next()
      })
      if (signal.aborted) abort()
      else next()
    })
  } finally {
    await worker.terminate()
  }
}
