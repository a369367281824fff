/** @file Starts a worker thread from a module of ours, whether it lies in dist as JavaScript or in the sources as TypeScript. */
import { Worker } from 'node:worker_threads'

/**
 * Starts `url` (a `file:` URL, usually `new URL('./x-worker.ts', import.meta.url)`) as a worker thread. Pass the
 * name as it is in the sources: the compiler does not rewrite it in a `new URL`, so `.ts` becomes `.js` here
 * when this very module was compiled. From the sources the worker loads TypeScript through tsx.
 */
export function startWorker(url: URL, workerData: unknown): Worker {
  const fromSource = import.meta.url.endsWith('.ts')
  if (!fromSource) return new Worker(new URL(url.href.replace(/\.ts$/, '.js')), { workerData })
  const entry = new URL('./source-worker.mjs', import.meta.url)
  return new Worker(entry, { workerData, argv: [url.href], execArgv: ['--conditions=medtune-source'] })
}
