/** @file What ONNX Runtime itself tells of a run: nodes in their order, shapes, and the bytes that its arena lent out. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import type { Dims, Feeds, Program } from '../../src/compute/index.ts'
import { initialValues } from '../../src/compute/init.ts'
import { lower } from '../../src/compute/onnx/index.ts'
import { sessionOptions } from '../../src/compute/onnx/session.ts'
import { tempFolder } from './temp.ts'

export interface ProfiledNode {
  /** Name of its first output. */
  readonly output: string
  readonly type: string
  readonly shapes: readonly (readonly number[])[]
  /** Lent out once it has run, before what it alone needed is given back. */
  readonly bytes: number
}

interface Event {
  readonly name: string
  readonly ts: number
  readonly args: {
    readonly op_name: string
    readonly output_type_shape: readonly Readonly<Record<string, readonly number[]>>[]
    readonly mem_bytes_requested_in_use: string
  }
}

const TYPES = { f32: 'float32', i32: 'int32', u8: 'uint8' } as const
const SUFFIX = '_kernel_time'

/** Runs a program once; zeros are fed where `feeds` has nothing. */
export async function profiled(
  program: Program,
  dims: Dims,
  feeds: Feeds = {},
): Promise<readonly ProfiledNode[]> {
  const lowered = lower(program)
  const folder = tempFolder()
  const settings = { threads: 2, prepack: false, arena: true, provider: 'cpu' }
  const session = await ort.InferenceSession.create(lowered.model, {
    ...sessionOptions(settings, lowered.folder),
    enableProfiling: true,
    profileFilePrefix: join(folder, 'profile'),
  })
  const inputs: Record<string, ort.Tensor> = {}
  for (const { name, type, shape } of lowered.inputs) {
    const sizes = shape.map((dim) => (typeof dim === 'number' ? dim : dims[dim]!))
    const Store = { f32: Float32Array, i32: Int32Array, u8: Uint8Array }[type as keyof typeof TYPES]
    const data = feeds[name] ?? new Store(sizes.reduce((a, b) => a * b, 1))
    inputs[name] = new ort.Tensor(TYPES[type as keyof typeof TYPES], data as Float32Array, sizes)
  }
  const fetches: Record<string, ort.Tensor | null> = {}
  for (const name of lowered.outputs) fetches[`out ${name}`] = null
  for (const spec of lowered.parameters) {
    const values = initialValues(spec)
    inputs[spec.name] = new ort.Tensor('float32', values, spec.shape)
    const gradient = lowered.gradients[spec.name]
    if (gradient) fetches[gradient] = new ort.Tensor('float32', values.slice().fill(0), spec.shape)
  }
  await session.run(inputs, fetches as Record<string, ort.Tensor>)
  session.endProfiling()
  await session.release()
  const events = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8')) as Event[]
  return events
    .filter(({ name }) => name.endsWith(SUFFIX))
    .sort((a, b) => a.ts - b.ts)
    .map(({ name, args }) => ({
      output: name.slice(0, -SUFFIX.length),
      type: args.op_name,
      shapes: args.output_type_shape.map((shape) => Object.values(shape)[0]!),
      bytes: Number(args.mem_bytes_requested_in_use),
    }))
}
