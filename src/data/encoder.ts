/** @file Where windows are tokenised: on this thread, or in a few worker threads. */
import type { Worker } from 'node:worker_threads'
import { InputError } from '../util/errors.ts'
import { startWorker } from '../util/worker.ts'
import { type EncodedWindow, encodeWindow } from './encode-window.ts'
import type { TokeniseAnswer, TokeniseJob, TokeniseOptions } from './tokenise-worker.ts'
import { openTokenizer } from './tokenizer.ts'

export interface WindowEncoder {
  encode(rows: readonly string[]): Promise<EncodedWindow>
  /** Frees its threads; the next `encode` starts them again. */
  rest(): Promise<void>
}

/** Tokenises on the calling thread: for few rows this is over before a worker has started. */
export function inlineEncoder({ folder, ...policy }: TokeniseOptions): WindowEncoder {
  return {
    encode: async (rows) => encodeWindow(await openTokenizer(folder), rows, policy),
    rest: async () => {},
  }
}

interface Pending {
  resolve(window: EncodedWindow): void
  reject(error: Error): void
}

/** Tokenises in `threads` worker threads, which start with their first window. */
export function workerEncoder(threads: number, options: TokeniseOptions): WindowEncoder {
  const lanes = Array.from({ length: threads }, () => new Lane(options))
  return {
    encode(rows) {
      const free = lanes.reduce((best, lane) => (lane.load < best.load ? lane : best))
      return free.encode(rows)
    },
    async rest() {
      await Promise.all(lanes.map((lane) => lane.rest()))
    },
  }
}

/** One worker thread and what it was asked for. */
class Lane {
  readonly #options: TokeniseOptions
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | undefined
  #nextId = 0

  constructor(options: TokeniseOptions) {
    this.#options = options
  }

  get load(): number {
    return this.#pending.size
  }

  encode(rows: readonly string[]): Promise<EncodedWindow> {
    this.#worker ??= this.#start()
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#worker!.postMessage({ id, rows } satisfies TokeniseJob)
    })
  }

  async rest(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
    this.#fail(new Error('tokenising was stopped'))
  }

  #start(): Worker {
    const worker = startWorker(new URL('./tokenise-worker.ts', import.meta.url), this.#options)
    worker.on('message', (answer: TokeniseAnswer) => this.#settle(answer))
    worker.on('error', (error) => this.#lose(worker, `the tokenising thread failed: ${error.message}`))
    worker.on('exit', (code) => this.#lose(worker, `the tokenising thread ended with code ${code}`))
    return worker
  }

  #settle(answer: TokeniseAnswer): void {
    const pending = this.#pending.get(answer.id)
    this.#pending.delete(answer.id)
    if ('window' in answer) pending?.resolve(answer.window)
    else pending?.reject(answer.input ? new InputError(answer.message) : new Error(answer.message))
  }

  #lose(worker: Worker, message: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#fail(new Error(message))
  }

  #fail(error: Error): void {
    for (const pending of this.#pending.values()) pending.reject(error)
    this.#pending.clear()
  }
}
