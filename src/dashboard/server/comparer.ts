/** @file Comparisons of runs, made one after another in a thread beside the server's own work. */
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../../util/worker.ts'
import { Refusal } from './reply.ts'

const MOST_WAITING = 20
const LONGEST_MS = 60_000
/** A thread that nobody asked for so long is ended, for the memory it holds. */
const IDLE_MS = 30_000

export class Comparer {
  private readonly root: string
  private worker: Worker | undefined
  private idle: NodeJS.Timeout | undefined
  private last: Promise<unknown> = Promise.resolve()
  private waiting = 0

  constructor(root: string) {
    this.root = root
  }

  /** JSON of the comparison. @throws Refusal where too many are asked for, or one takes too long */
  async compare(ids: readonly string[]): Promise<string> {
    if (this.waiting >= MOST_WAITING) {
      throw new Refusal(503, 'busy with other comparisons', { 'Retry-After': '2' })
    }
    this.waiting++
    const mine = this.last.then(() => this.run(ids)).finally(() => this.waiting--)
    this.last = mine.catch(() => undefined)
    return mine
  }

  async close(): Promise<void> {
    clearTimeout(this.idle)
    const { worker } = this
    this.worker = undefined
    await worker?.terminate()
  }

  private run(ids: readonly string[]): Promise<string> {
    clearTimeout(this.idle)
    this.worker ??= startWorker(new URL('./compare-worker.ts', import.meta.url), { root: this.root })
    const { worker } = this
    return new Promise<string>((resolve, reject) => {
      const fail = (error: Error): void => {
        void this.close()
        reject(error)
      }
      const timer = setTimeout(
        () => fail(new Refusal(503, 'this comparison takes too long; choose fewer runs')),
        LONGEST_MS,
      )
      worker.removeAllListeners()
      worker.once('error', fail)
      worker.once('exit', () => fail(new Error('the comparison ended')))
      worker.once('message', (answer: string | Error) => {
        if (answer instanceof Error) fail(answer)
        else resolve(answer)
      })
      worker.once('message', () => clearTimeout(timer))
      worker.postMessage(ids)
    }).finally(() => this.rest())
  }

  private rest(): void {
    this.idle = setTimeout(() => void this.close(), IDLE_MS)
    this.idle.unref()
  }
}
