/** @file Parses one run after another in a thread of its own; what it read lies in the cache for the others. */
import { parentPort, workerData } from 'node:worker_threads'
import { ColumnStore } from '../../track/read/column-store.ts'

const { root } = workerData as { readonly root: string }
const store = new ColumnStore(root)
let last: Promise<unknown> = Promise.resolve()

parentPort!.on('message', (id: string) => {
  last = last
    .then(() => store.open(id))
    .catch(() => undefined)
    .then(() => parentPort!.postMessage({ id, stored: store.isStored(id) }))
})
