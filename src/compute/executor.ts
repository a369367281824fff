/** @file What an executor of programs offers: parameters, gradient sums and optimizer state live behind it. */
import type { DecodePrompts } from './generation/request.ts'
import type { Program } from './graph.ts'

/** Numbers an optimizer needs at one step. `step` counts from 1. */
export interface UpdateScalars {
  readonly step: number
  readonly lr: number
}

/** Runs in the executor's worker, a tensor at a time, buffers reused; see semantics of AdamW in docs/recipe.md. */
export interface Optimizer {
  /** Zeroed state buffers of a parameter with `size` values in `shape`, row-major. */
  init(name: string, size: number, shape: readonly number[]): readonly Float32Array[]
  /** Changes `value` and `state` in place; `gradient` is already clipped. */
  update(
    name: string,
    value: Float32Array,
    gradient: Float32Array,
    state: readonly Float32Array[],
    scalars: UpdateScalars,
  ): void
}

/** Named tensors that cross to an executor: ids, positions, labels, gain. */
export type Feeds = Readonly<Record<string, Int32Array | Float32Array | Uint8Array>>

/** The sizes behind the named dims of a program for one run. */
export type Dims = Readonly<Record<string, number>>

export interface CompiledProgram {
  /**
   * Runs the program and returns the outputs asked for when it was compiled. Gradients stay in the
   * worker: with `accumulate` they are added to its gradient sums, else they are dropped.
   */
  run(feeds: Feeds, dims: Dims, accumulate: boolean): Promise<Readonly<Record<string, Float32Array>>>
  /**
   * Of a generator: answers prompts beside the weights, so that neither logits nor what is kept of earlier tokens
   * crosses to the caller at each step. An executor without it is driven by `run`.
   */
  readonly decode?: DecodePrompts
}

export interface OptimizerSpec {
  /** Module path or URL whose default export is the optimizer plugin, and its validated options. */
  readonly module: string
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
}

/** A parameter that trains, and what the optimizer keeps for it. */
export interface TrainedTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Values in each state buffer. */
  readonly state: readonly number[]
}

/** Owns parameters, gradient sums and optimizer state; see docs/compute.md. Failures are `ExecutorError`s. */
export interface Executor {
  /** Makes a program ready. One program that holds weights is in memory at a time; running another swaps it in. */
  compile(program: Program): Promise<CompiledProgram>
  /** Sets the optimizer; its state starts at zero. */
  optimizer(spec: OptimizerSpec): Promise<void>
  /**
   * Clips the gradient sums to `clip` (0: not), updates every parameter, zeroes the sums; returns the norm before
   * clipping. A norm that is no finite number changes no parameter and no state: only the sums go.
   */
  update(scalars: UpdateScalars & { readonly clip: number }): Promise<{ readonly gradNorm: number }>
  /** Zeroes the gradient sums: the micro-batches since the last update never were. */
  dropGradients(): Promise<void>
  read(name: string): Promise<Float32Array>
  write(name: string, values: Float32Array): Promise<void>
  /** Every parameter that trains, of the programs compiled so far: what a checkpoint must hold. In a stable order. */
  trained(): Promise<readonly TrainedTensor[]>
  /** A buffer of the optimizer's state, bit for bit. */
  readState(name: string, index: number): Promise<Float32Array>
  writeState(name: string, index: number, values: Float32Array): Promise<void>
  close(): Promise<void>
}

export type ExecutorErrorKind = 'worker-lost' | 'out-of-memory' | 'device-lost' | 'unsupported' | 'failed'

export class ExecutorError extends Error {
  override readonly name = 'ExecutorError'
  readonly kind: ExecutorErrorKind
  constructor(kind: ExecutorErrorKind, message: string) {
    super(message)
    this.kind = kind
  }
}
