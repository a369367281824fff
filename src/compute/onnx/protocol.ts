/** @file What the executor and its worker thread say to each other: plain data only. */
import type { Dims, ExecutorErrorKind, Feeds, OptimizerSpec, UpdateScalars } from '../executor.ts'
import type { DecodeRequest } from '../generation/request.ts'
import type { LoweredProgram } from './lower.ts'

export interface SessionSettings {
  /** Threads of one operator; 0: as many as there are cores. */
  readonly threads: number
  /** Keeps a second, packed copy of each weight: faster, more memory. */
  readonly prepack: boolean
  /** Keeps freed memory for the next step: faster, more memory. */
  readonly arena: boolean
  readonly provider: string
}

export type Request =
  | { readonly kind: 'compile'; readonly program: LoweredProgram }
  | {
      readonly kind: 'run'
      readonly program: number
      readonly feeds: Feeds
      readonly dims: Dims
      readonly accumulate: boolean
    }
  | {
      readonly kind: 'decode'
      readonly program: number
      readonly request: DecodeRequest
      /** Whether each token is to be told as it comes. */
      readonly watched: boolean
    }
  | { readonly kind: 'optimizer'; readonly spec: OptimizerSpec }
  | { readonly kind: 'update'; readonly scalars: UpdateScalars & { readonly clip: number } }
  | { readonly kind: 'read'; readonly name: string }
  | { readonly kind: 'write'; readonly name: string; readonly values: Float32Array }
  | { readonly kind: 'dropGradients' }
  | { readonly kind: 'trained' }
  | { readonly kind: 'readState'; readonly name: string; readonly index: number }
  | {
      readonly kind: 'writeState'
      readonly name: string
      readonly index: number
      readonly values: Float32Array
    }
  | { readonly kind: 'close' }

/** Said while the request `id` is being answered; it waits for no turn. */
export type Interruption =
  | { readonly kind: 'end'; readonly id: number; readonly prompt: number }
  | { readonly kind: 'abort'; readonly id: number }

export type Reply =
  | { readonly id: number; readonly token: readonly [prompt: number, id: number] }
  | { readonly id: number; readonly done: number }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly kind: ExecutorErrorKind; readonly message: string } }
