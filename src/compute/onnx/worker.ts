/** @file The executor's thread: owns parameters, gradient sums and optimizer state; answers one request at a time. */
import { parentPort, workerData } from 'node:worker_threads'
import type { ExecutorErrorKind, Optimizer, OptimizerSpec, TrainedTensor } from '../executor.ts'
import type { Decoded } from '../generation/index.ts'
import { decode, keptLayers } from '../generation/index.ts'
import type { ParameterSpec } from '../graph.ts'
import { initialValues } from '../init.ts'
import type { Interruption, Reply, Request, SessionSettings } from './protocol.ts'
import { Sessions } from './session.ts'

/** A trainable tensor with its gradient sum, the buffer a run writes into, and the optimizer's state. */
interface Parameter {
  readonly value: Float32Array
  readonly shape: readonly number[]
  readonly sum: Float32Array
  readonly scratch: Float32Array
  state: readonly Float32Array[]
  /** Factor on the learning rate. */
  readonly lrFactor: number
  /** No gradient, no state, no update. */
  readonly frozen: boolean
}

const sessions = new Sessions(workerData as SessionSettings)
const parameters = new Map<string, Parameter>()
let optimizer: Optimizer | undefined

async function handle(request: Request, id: number): Promise<unknown> {
  switch (request.kind) {
    case 'compile': {
      const index = await sessions.add(request.program)
      for (const spec of request.program.parameters) addParameter(spec)
      return index
    }
    case 'run':
      return run(request)
    case 'decode':
      return decodePrompts(request, id)
    case 'optimizer':
      optimizer = await load(request.spec)
      for (const [name, parameter] of parameters) {
        if (parameter.frozen) continue
        parameter.state = optimizer.init(name, parameter.value.length, parameter.shape)
      }
      return undefined
    case 'update':
      return update(request.scalars)
    case 'read':
      return known(request.name).value.slice()
    case 'write':
      return replace(`parameter "${request.name}"`, known(request.name).value, request.values)
    case 'dropGradients':
      for (const { sum } of parameters.values()) sum.fill(0)
      return undefined
    case 'trained':
      return trained()
    case 'readState':
      return stateOf(request.name, request.index).slice()
    case 'writeState':
      return replace(
        `the optimizer's state of "${request.name}"`,
        stateOf(request.name, request.index),
        request.values,
      )
    case 'close':
      return sessions.close()
    default:
      return request satisfies never
  }
}

function replace(what: string, old: Float32Array, values: Float32Array): void {
  if (old.length !== values.length)
    throw new Error(`${what} holds ${old.length} values, ${values.length} were written`)
  old.set(values)
}

function trained(): readonly TrainedTensor[] {
  return [...parameters]
    .filter(([, { frozen }]) => !frozen)
    .map(([name, { shape, state }]) => ({ name, shape, state: state.map(({ length }) => length) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function stateOf(name: string, index: number): Float32Array {
  const state = known(name).state[index]
  if (!state) throw new Error(`the optimizer keeps no state ${index} of "${name}"`)
  return state
}

/** A parameter that an earlier program brought keeps its values. */
function addParameter({ name, shape, frozen = false, lrFactor = 1, ...spec }: ParameterSpec): void {
  if (parameters.has(name)) return
  const value = initialValues({ name, shape, ...spec })
  const size = frozen ? 0 : value.length
  const state = frozen ? [] : (optimizer?.init(name, size, shape) ?? [])
  const [sum, scratch] = [new Float32Array(size), new Float32Array(size)]
  parameters.set(name, { value, shape, state, lrFactor, frozen, sum, scratch })
}

async function run(request: Extract<Request, { kind: 'run' }>): Promise<Record<string, Float32Array>> {
  const { gradients } = sessions.program(request.program)
  const values = new Map([...parameters].map(([name, { value }]) => [name, value]))
  const scratch = new Map([...parameters].map(([name, parameter]) => [name, parameter.scratch]))
  const outputs = await sessions.run(request.program, request.feeds, request.dims, values, scratch)
  if (request.accumulate) {
    for (const name of Object.keys(gradients)) {
      const { sum, scratch } = known(name)
      for (let i = 0; i < sum.length; i++) sum[i]! += scratch[i]!
    }
  }
  return outputs
}

/** What was said of a request while it was being answered. */
const interrupted = new Map<number, { readonly ended: Set<number>; readonly controller: AbortController }>()

async function decodePrompts(
  { program: index, request, watched }: Extract<Request, { kind: 'decode' }>,
  id: number,
): Promise<Decoded[]> {
  const values = new Map([...parameters].map(([name, { value }]) => [name, value]))
  const { inputs } = sessions.program(index)
  const { ended, controller } = interruptionsOf(id)
  const tell = (prompt: number, token: number): void =>
    parentPort!.postMessage({ id, token: [prompt, token] } satisfies Reply)
  try {
    return await decode(
      (feeds, dims) => sessions.borrow(index, feeds, dims, values, new Map()),
      keptLayers(inputs),
      request,
      {
        signal: controller.signal,
        onDone: (prompt) => parentPort!.postMessage({ id, done: prompt } satisfies Reply),
        ...(watched && { onToken: tell, ended: (prompt: number) => ended.has(prompt) }),
      },
    )
  } finally {
    interrupted.delete(id)
  }
}

function interruptionsOf(id: number) {
  const found = interrupted.get(id) ?? { ended: new Set<number>(), controller: new AbortController() }
  interrupted.set(id, found)
  return found
}

function interrupt(interruption: Interruption): void {
  const { ended, controller } = interruptionsOf(interruption.id)
  if (interruption.kind === 'abort') controller.abort()
  else ended.add(interruption.prompt)
}

/** Norm of all gradient sums in f64, clip, one optimizer step a tensor, sums back to zero. */
function update({ step, lr, clip }: { step: number; lr: number; clip: number }): { gradNorm: number } {
  if (!optimizer) throw new Error('no optimizer was set before the first update')
  let squares = 0
  for (const { sum } of parameters.values()) for (let i = 0; i < sum.length; i++) squares += sum[i]! * sum[i]!
  const gradNorm = Math.sqrt(squares)
  if (!Number.isFinite(gradNorm)) {
    for (const { sum } of parameters.values()) sum.fill(0)
    return { gradNorm }
  }
  const factor = clip > 0 ? Math.min(1, clip / (gradNorm + 1e-6)) : 1
  for (const [name, { value, sum, state, lrFactor, frozen }] of parameters) {
    if (frozen) continue
    if (factor < 1) for (let i = 0; i < sum.length; i++) sum[i]! *= factor
    optimizer.update(name, value, sum, state, { step, lr: lr * lrFactor })
    sum.fill(0)
  }
  return { gradNorm }
}

/** As much of a plugin as is needed to make an optimizer here; the thread gets its module's path and options. */
interface OptimizerPlugin {
  readonly kind: string
  readonly name: string
  create(options: unknown, context: unknown): Optimizer | Promise<Optimizer>
}

async function load({ module, name, options }: OptimizerSpec): Promise<Optimizer> {
  const { default: exported } = (await import(module)) as {
    default: OptimizerPlugin | readonly OptimizerPlugin[]
  }
  const plugin = [exported]
    .flat()
    .find((candidate) => candidate.kind === 'optimizer' && candidate.name === name)
  if (!plugin) throw new Error(`${module} holds no optimizer named "${name}"`)
  const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }
  return plugin.create(options, context)
}

function known(name: string): Parameter {
  const parameter = parameters.get(name)
  if (!parameter) throw new Error(`no program has a parameter named "${name}"`)
  return parameter
}

function kindOf(message: string): ExecutorErrorKind {
  if (/bad_alloc|allocate memory|out of memory|buffer allocation failed/i.test(message))
    return 'out-of-memory'
  return /not (supported|implemented)|backend not found|no available backend/i.test(message)
    ? 'unsupported'
    : 'failed'
}

function movable(value: unknown): ArrayBuffer[] {
  const arrays = value instanceof Float32Array ? [value] : Object.values(value ?? {})
  return arrays.flatMap((array) => (array instanceof Float32Array ? [array.buffer as ArrayBuffer] : []))
}

// Requests are answered strictly in order, also when they arrive while one is at work.
let last: Promise<void> = Promise.resolve()
type Message = { readonly id: number; readonly request: Request } | { readonly interruption: Interruption }

parentPort!.on('message', (message: Message) => {
  if ('interruption' in message) {
    interrupt(message.interruption)
    return
  }
  const { id, request } = message
  last = last.then(async () => {
    let reply: Reply
    try {
      reply = { id, value: await handle(request, id) }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      reply = { id, error: { kind: kindOf(message), message } }
    }
    // Arrays that were made for this answer move over instead of being copied once more.
    parentPort!.postMessage(reply, 'value' in reply ? movable(reply.value) : [])
  })
})
