/** @file ONNX Runtime sessions: one program that holds weights at a time. The only import of onnxruntime-node. */
import { availableParallelism } from 'node:os'
import * as ort from 'onnxruntime-node'
import type { Dims, Feeds } from '../executor.ts'
import type { LoweredProgram } from './lower.ts'
import type { SessionSettings } from './protocol.ts'

/** Programs whose weights take less than this stay loaded side by side. */
const SMALL_BYTES = 64 * 2 ** 20

/** Narrow programs whose weights take less than this gain nothing from a second thread. */
const ONE_THREAD_BYTES = 16 * 2 ** 20

const ORT_TYPE = { f32: 'float32', i32: 'int32', u8: 'uint8' } as const

export class Sessions {
  readonly #settings: SessionSettings
  readonly #programs: LoweredProgram[] = []
  readonly #live = new Map<number, ort.InferenceSession>()
  readonly #tensors = new WeakMap<Feeds[string], ort.Tensor>()

  constructor(settings: SessionSettings) {
    this.#settings = settings
  }

  /** Adds a program, loads it, and returns its number. */
  async add(program: LoweredProgram): Promise<number> {
    this.#programs.push(program)
    const index = this.#programs.length - 1
    await this.#session(index)
    return index
  }

  program(index: number): LoweredProgram {
    return this.#programs[index]!
  }

  /**
   * Runs a program. `into` are buffers that outputs are written to in place; other outputs come back in new
   * arrays. `parameters` are read where they lie.
   */
  async run(
    index: number,
    feeds: Feeds,
    dims: Dims,
    parameters: ReadonlyMap<string, Float32Array>,
    into: ReadonlyMap<string, Float32Array>,
  ): Promise<Record<string, Float32Array>> {
    const results = await this.borrow(index, feeds, dims, parameters, into)
    return Object.fromEntries(Object.entries(results).map(([name, values]) => [name, values.slice()]))
  }

  /** The same with outputs that only last until the next run. */
  async borrow(
    index: number,
    feeds: Feeds,
    dims: Dims,
    parameters: ReadonlyMap<string, Float32Array>,
    into: ReadonlyMap<string, Float32Array>,
  ): Promise<Record<string, Float32Array>> {
    const program = this.#programs[index]!
    const session = await this.#session(index)
    const inputs: Record<string, ort.Tensor> = {}
    for (const { name, type, shape } of program.inputs) {
      const sizes = shape.map((dim) => (typeof dim === 'number' ? dim : dims[dim]!))
      inputs[name] = this.#tensor(ORT_TYPE[type as keyof typeof ORT_TYPE], feeds[name]!, sizes)
    }
    for (const { name, shape } of program.parameters)
      inputs[name] = this.#tensor('float32', parameters.get(name)!, shape)
    const fetches: Record<string, ort.Tensor | null> = {}
    for (const name of program.outputs) fetches[`out ${name}`] = null
    for (const { name, shape } of program.parameters) {
      const output = program.gradients[name]
      if (output !== undefined) fetches[output] = new ort.Tensor('float32', into.get(name)!, shape)
    }
    const results = await session.run(inputs, fetches as Record<string, ort.Tensor>)
    return Object.fromEntries(
      program.outputs.map((name) => [name, results[`out ${name}`]!.data as Float32Array]),
    )
  }

  /** A tensor over an array, whose values are read where they lie; the one made before where the array comes again. */
  #tensor(type: 'float32' | 'int32' | 'uint8', data: Feeds[string], sizes: readonly number[]): ort.Tensor {
    const known = this.#tensors.get(data)
    if (known && known.dims.length === sizes.length && sizes.every((size, axis) => size === known.dims[axis]))
      return known
    const made = new ort.Tensor(type, data as Float32Array, sizes)
    this.#tensors.set(data, made)
    return made
  }

  async close(): Promise<void> {
    for (const session of this.#live.values()) await session.release()
    this.#live.clear()
  }

  async #session(index: number): Promise<ort.InferenceSession> {
    const found = this.#live.get(index)
    if (found) return found
    await this.#makeRoom(index)
    const session = await ort.InferenceSession.create(
      this.#programs[index]!.model,
      sessionOptions(prepared(this.#settings, this.#programs[index]!), this.#programs[index]!.folder),
    )
    this.#live.set(index, session)
    return session
  }

  /** Releases other sessions unless the weights of all are small. */
  async #makeRoom(index: number): Promise<void> {
    const all = [index, ...this.#live.keys()].reduce((sum, i) => sum + this.#programs[i]!.weightBytes, 0)
    if (all > SMALL_BYTES) await this.close()
  }
}

/**
 * A narrow program has its weights packed whatever the settings say: else each run would pack them anew. A small one runs
 * on one thread unless a number is asked for: to hand its products to another takes longer than to compute them.
 */
function prepared(settings: SessionSettings, { narrow, weightBytes }: LoweredProgram): SessionSettings {
  if (!narrow) return settings
  const alone = settings.threads === 0 && weightBytes < ONE_THREAD_BYTES
  return { ...settings, prepack: true, ...(alone && { threads: 1 }) }
}

/** `folder`: where the weights of the program lie, '' where it has none. */
export function sessionOptions(
  { threads, prepack, arena, provider }: SessionSettings,
  folder: string,
): ort.InferenceSession.SessionOptions {
  const session: Record<string, string> = {
    'intra_op.allow_spinning': '1',
    disable_prepacking: prepack ? '0' : '1',
    use_device_allocator_for_initializers: '1',
  }
  if (folder !== '') session.model_external_initializers_file_folder_path = folder
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads === 0 ? availableParallelism() : threads,
    graphOptimizationLevel: 'all',
    enableCpuMemArena: arena,
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: {
      session,
      optimization: {
        // Recompute and identity by reference would be undone by merging equal nodes.
        disable_specified_optimizers: 'CommonSubexpressionElimination',
        // Weights are widened when the session loads, whatever their size: above a default limit of 1 GB, the
        // embedding of a 1B model would be widened anew in every run.
        constant_folding_max_output_size_in_bytes: '0',
      },
    },
  }
}
