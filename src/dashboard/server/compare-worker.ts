/** @file Compares runs in a thread of its own: a paired bootstrap over thousands of items takes a second. */
import { parentPort, workerData } from 'node:worker_threads'
import { compareRuns } from '../../track/compare/compare-runs.ts'
import { stringify } from '../../track/json.ts'
import { ColumnStore } from '../../track/read/column-store.ts'

const { root } = workerData as { readonly root: string }

parentPort!.on('message', async (ids: readonly string[]) => {
  const store = new ColumnStore(root, { cache: false })
  const subjects = ids.map((id) => ({ root, id, store }))
  const answer = await compareRuns(subjects, 0).then(stringify, (error: Error) => error)
  parentPort!.postMessage(answer)
})
