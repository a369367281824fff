/** @file A thread that parses runs and leaves their columns in the cache, beside the server's own work. */
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../../util/worker.ts'

/** A thread that nobody asked for so long is ended, for the memory it holds. */
const IDLE_MS = 5_000

export class Parser {
  private readonly root: string
  private worker: Worker | undefined
  private idle: NodeJS.Timeout | undefined
  /** What ends the wait for a run, by its id. */
  private readonly waiting = new Map<
    string,
    { readonly done: Promise<boolean>; end(stored: boolean): void }
  >()

  /** @param root the folder that run ids are relative to */
  constructor(root: string) {
    this.root = root
  }

  /** Parses the run's events, unless its columns are in the cache. False where they cannot be put there. */
  parse(id: string): Promise<boolean> {
    const waiting = this.waiting.get(id)
    if (waiting) return waiting.done
    clearTimeout(this.idle)
    this.worker ??= this.start()
    let end: (stored: boolean) => void = () => undefined
    const done = new Promise<boolean>((resolve) => {
      end = resolve
    })
    this.waiting.set(id, { done, end })
    this.worker.postMessage(id)
    return done
  }

  async close(): Promise<void> {
    clearTimeout(this.idle)
    const { worker } = this
    this.worker = undefined
    for (const id of [...this.waiting.keys()]) this.end(id, false)
    await worker?.terminate()
  }

  private start(): Worker {
    const worker = startWorker(new URL('./parse-worker.ts', import.meta.url), { root: this.root })
    // What kills a thread is told before its end; whoever waits can parse the run himself.
    worker.on('error', () => undefined)
    worker.once('exit', () => {
      if (this.worker === worker) void this.close()
    })
    worker.on('message', ({ id, stored }: { readonly id: string; readonly stored: boolean }) => {
      this.end(id, stored)
      if (this.waiting.size === 0) this.rest()
    })
    return worker
  }

  private end(id: string, stored: boolean): void {
    this.waiting.get(id)?.end(stored)
    this.waiting.delete(id)
  }

  private rest(): void {
    clearTimeout(this.idle)
    this.idle = setTimeout(() => void this.close(), IDLE_MS)
    this.idle.unref()
  }
}
