/** @file Worker thread that tokenises windows of rendered rows. Only plain data crosses to and from it. */
import { parentPort, workerData } from 'node:worker_threads'
import { InputError } from '../util/errors.ts'
import { type EncodedWindow, encodeWindow, type WindowPolicy } from './encode-window.ts'
import { openTokenizer } from './tokenizer.ts'

export interface TokeniseJob {
  readonly id: number
  readonly rows: readonly string[]
}

/** `input` tells a mistake in the data from a fault of the program; classes do not survive the crossing. */
export type TokeniseAnswer =
  | { readonly id: number; readonly window: EncodedWindow }
  | { readonly id: number; readonly message: string; readonly input: boolean }

export interface TokeniseOptions extends WindowPolicy {
  readonly folder: string
}

const { folder, ...policy } = workerData as TokeniseOptions
const port = parentPort!

port.on('message', async ({ id, rows }: TokeniseJob) => {
  try {
    const window = encodeWindow(await openTokenizer(folder), rows, policy)
    const { lengths, ids, mask, prints, odd } = window
    const buffers = [lengths, ids, mask, prints, odd].map((array) => array.buffer as ArrayBuffer)
    port.postMessage({ id, window } satisfies TokeniseAnswer, buffers)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    port.postMessage({ id, message, input: error instanceof InputError } satisfies TokeniseAnswer)
  }
})
