/** @file The onnxruntime executor as the main thread sees it: lowers programs, and speaks with the worker that runs them. */
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../../util/worker.ts'
import {
  type CompiledProgram,
  type Executor,
  ExecutorError,
  type ExecutorErrorKind,
  type Feeds,
} from '../executor.ts'
import type { DecodeControl, Decoded, DecodeRequest } from '../generation/request.ts'
import type { Program } from '../graph.ts'
import { lower } from './lower.ts'
import type { Interruption, Reply, Request, SessionSettings } from './protocol.ts'

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
  readonly listener?: Listener | undefined
}

/** Hears of a request that is still being answered. */
type Listener = Required<Pick<DecodeControl, 'onToken' | 'onDone'>>

export class OnnxExecutor implements Executor {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #next = 0
  #lost: ExecutorError | undefined

  constructor(settings: SessionSettings) {
    this.#worker = startWorker(new URL('./worker.ts', import.meta.url), settings)
    this.#worker.on('message', (reply: Reply) => this.#settle(reply))
    this.#worker.on('error', (error: NodeJS.ErrnoException) => {
      const kind = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out-of-memory' : 'worker-lost'
      this.#lose(`the compute thread failed: ${error.message}`, kind)
    })
    this.#worker.on('exit', (code) => this.#lose(`the compute thread ended with code ${code}`))
  }

  async compile(program: Program): Promise<CompiledProgram> {
    const index = (await this.#ask({ kind: 'compile', program: lower(program) })) as number
    return {
      run: (feeds: Feeds, dims, accumulate) =>
        this.#ask({ kind: 'run', program: index, feeds, dims, accumulate }) as Promise<
          Record<string, Float32Array>
        >,
      decode: (request, control) => this.#decode(index, request, control),
    }
  }

  async #decode(program: number, request: DecodeRequest, control: DecodeControl = {}): Promise<Decoded[]> {
    const { onToken, onDone, ended, signal } = control
    signal?.throwIfAborted()
    const id = this.#next
    const interrupt = (message: Interruption): void => this.#worker.postMessage({ interruption: message })
    const abort = (): void => interrupt({ kind: 'abort', id })
    signal?.addEventListener('abort', abort)
    const listener: Listener = {
      onToken(prompt, token) {
        onToken?.(prompt, token)
        if (ended?.(prompt)) interrupt({ kind: 'end', id, prompt })
      },
      onDone: (prompt) => onDone?.(prompt),
    }
    try {
      return (await this.#ask(
        { kind: 'decode', program, request, watched: onToken !== undefined },
        listener,
      )) as Decoded[]
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  async optimizer(spec: Parameters<Executor['optimizer']>[0]): Promise<void> {
    await this.#ask({ kind: 'optimizer', spec })
  }

  update(scalars: Parameters<Executor['update']>[0]): Promise<{ readonly gradNorm: number }> {
    return this.#ask({ kind: 'update', scalars }) as Promise<{ readonly gradNorm: number }>
  }

  read(name: string): Promise<Float32Array> {
    return this.#ask({ kind: 'read', name }) as Promise<Float32Array>
  }

  async write(name: string, values: Float32Array): Promise<void> {
    await this.#ask({ kind: 'write', name, values })
  }

  async dropGradients(): Promise<void> {
    await this.#ask({ kind: 'dropGradients' })
  }

  trained(): ReturnType<Executor['trained']> {
    return this.#ask({ kind: 'trained' }) as ReturnType<Executor['trained']>
  }

  readState(name: string, index: number): Promise<Float32Array> {
    return this.#ask({ kind: 'readState', name, index }) as Promise<Float32Array>
  }

  async writeState(name: string, index: number, values: Float32Array): Promise<void> {
    await this.#ask({ kind: 'writeState', name, index, values })
  }

  async close(): Promise<void> {
    if (!this.#lost) await this.#ask({ kind: 'close' })
    this.#lost ??= new ExecutorError('worker-lost', 'the executor was closed')
    await this.#worker.terminate()
  }

  #ask(request: Request, listener?: Listener): Promise<unknown> {
    if (this.#lost) return Promise.reject(this.#lost)
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, listener })
      this.#worker.postMessage({ id, request })
    })
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id)
    if ('token' in reply) {
      pending?.listener?.onToken(...reply.token)
      return
    }
    if ('done' in reply) {
      pending?.listener?.onDone(reply.done)
      return
    }
    this.#pending.delete(reply.id)
    if ('error' in reply) pending?.reject(new ExecutorError(reply.error.kind, reply.error.message))
    else pending?.resolve(reply.value)
  }

  /** A lost worker rejects everything that waits, and everything asked later. */
  #lose(message: string, kind: ExecutorErrorKind = 'worker-lost'): void {
    this.#lost ??= new ExecutorError(kind, message)
    for (const { reject } of this.#pending.values()) reject(this.#lost)
    this.#pending.clear()
  }
}
