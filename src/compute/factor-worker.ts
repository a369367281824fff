/** @file Worker thread that puts singular factors into the cache, one matrix a message. */
import { parentPort } from 'node:worker_threads'
import { factorsOf, type SingularInit } from './stored-factors.ts'

parentPort!.on('message', (init: SingularInit) => {
  try {
    factorsOf(init)
    parentPort!.postMessage({ done: true })
  } catch (error) {
    parentPort!.postMessage({ done: false, message: error instanceof Error ? error.message : String(error) })
  }
})
