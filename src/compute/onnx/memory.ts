/**
 * @file The memory that ONNX Runtime takes for a program, without running it: the sizes of all tensors, the order in
 * which they are computed, and what is freed when.
 */
import type { Dims } from '../executor.ts'
import type { Program } from '../graph.ts'
import { Arena, type Chunk } from './arena.ts'
import { type LoweredGraph, lowerGraph } from './lower.ts'
import { executionOrder, reads, renamed } from './order.ts'
import type { SessionSettings } from './protocol.ts'
import type { Name, OnnxBody, OnnxNode, OnnxPort } from './rule.ts'
import { bytesOf, outputsOf, type Sized } from './shapes.ts'

export interface ProgramMemory {
  /** Bytes of the frozen weights as they lie in memory, in f32, with what the session makes of them when it loads. */
  readonly weights: number
  /** Bytes of activations and other intermediate values, at the moment when they are most. */
  readonly activations: number
}

/** Lost by malloc between blocks of different sizes where there is no arena, as a share of what they hold. */
const LOST = 0.06
/** Runs after which an arena touches nothing new: it chooses otherwise in the second, where all of it is there. */
const RUNS = 3

/** What a program takes with these settings, whatever the sizes of a batch. */
export function programMemory(
  program: Program,
  { prepack, arena }: Pick<SessionSettings, 'prepack' | 'arena'>,
): (dims: Dims) => ProgramMemory {
  const graph = lowerGraph(program)
  return (dims) => {
    const run = new Run(graph, dims)
    const activations = arena ? touchedBy(run.uses) : (1 + LOST) * peak(run.moments)
    return { weights: run.weights(prepack), activations }
  }
}

/** Bytes of an arena that several runs touch. */
function touchedBy(uses: readonly Use[]): number {
  const arena = new Arena()
  for (let run = 0; run < RUNS; run++) {
    const held = new Map<Buffer, Chunk>()
    for (const { buffer, taken } of uses) {
      if (taken) held.set(buffer, arena.take(buffer.bytes))
      else {
        arena.give(held.get(buffer)!)
        held.delete(buffer)
      }
    }
  }
  return arena.touched
}

/** What is held while a node runs. */
export interface Moment {
  readonly node: OnnxNode
  /** Of its outputs. */
  readonly shapes: readonly (readonly number[])[]
  readonly bytes: number
}

/** `prepack`: whether products keep a packed copy of their weight. */
export function graphMemory(graph: LoweredGraph, dims: Dims, prepack: boolean): ProgramMemory {
  const run = new Run(graph, dims)
  return { weights: run.weights(prepack), activations: peak(run.moments) }
}

/** What is held at each node of a run, in the order of the run. */
export function memoryInTime(graph: LoweredGraph, dims: Dims): readonly Moment[] {
  return new Run(graph, dims).moments
}

const peak = (moments: readonly Moment[]): number =>
  moments.reduce((most, { bytes }) => Math.max(most, bytes), 0)

class Run {
  readonly #sizes = new Map<Name, Sized>()
  /** Names whose values never change: the session computes what depends on these alone once, when it loads. */
  readonly #fixed = new Set<Name>()
  /** Every node that runs, those of bodies included. */
  readonly #ran: OnnxNode[] = []
  readonly #dims: Dims
  /** Results that are written where the caller keeps them. */
  readonly #lent: ReadonlySet<Name>
  readonly moments: readonly Moment[]
  /** Buffers as they are taken and given back, those of bodies included. */
  readonly uses: Use[] = []

  constructor({ model, gradients }: LoweredGraph, dims: Dims) {
    this.#dims = dims
    this.#lent = new Set(Object.values(gradients))
    for (const { name, type, shape } of model.external) this.#give(name, { type, shape }, true)
    this.moments = this.#walk(model)
  }

  /** Weights that a run reads; and packed, where only products read them, without their first form. */
  weights(prepack: boolean): number {
    const packed = this.#ran.filter(({ type, inputs }) => type === 'Gemm' && this.#fixed.has(inputs[1]!))
    const others = this.#ran.flatMap((node) =>
      prepack && packed.includes(node) ? node.inputs.filter((_, i) => i !== 1) : node.inputs,
    )
    const whole = [...new Set(others)].filter((name) => this.#fixed.has(name))
    const copies = prepack ? packed.map(({ inputs }) => inputs[1]!) : []
    return [...whole, ...copies].reduce((sum, name) => sum + bytesOf(this.#sizes.get(name)!), 0)
  }

  #give(name: Name, sized: Sized, fixed = false): void {
    this.#sizes.set(name, sized)
    if (fixed) this.#fixed.add(name)
  }

  #port({ name, type, shape }: OnnxPort): void {
    this.#give(name, { type, shape: shape.map((dim) => (typeof dim === 'number' ? dim : this.#dims[dim]!)) })
  }

  /** Walks a graph, or a body whose slices have their sizes in its ports. */
  #walk({ nodes, constants, inputs, outputs }: OnnxBody): readonly Moment[] {
    for (const { name, type, shape, bytes } of constants) {
      const ints = type === 'i64' ? [...new BigInt64Array(bytes.slice().buffer)].map(Number) : undefined
      this.#give(name, { type, shape, ...(ints ? { ints } : {}) }, true)
    }
    for (const port of inputs) this.#port(port)
    const running = executionOrder(nodes).filter((node) => !this.#folds(node))
    this.#ran.push(...running)
    const before = renamed(nodes)
    const results = outputs.map(({ name }) => ({
      name: before.get(name) ?? name,
      lent: this.#lent.has(name),
    }))
    return hold(running, {
      sizes: this.#sizes,
      results: new Map(results.map(({ name, lent }) => [name, lent])),
      inside: (node) => this.#inside(node),
      uses: this.uses,
    })
  }

  /** Notes the sizes of a node's outputs; whether the session computes them when it loads. */
  #folds(node: OnnxNode): boolean {
    const given = node.inputs.map((name) => this.#sizes.get(name))
    const made = node.type === 'Scan' ? this.#scanned(node, given) : outputsOf(node, given)
    const fixed = node.type !== 'Scan' && node.inputs.every((name) => name === '' || this.#fixed.has(name))
    node.outputs.forEach((name, i) => {
      if (name !== '') this.#give(name, made[i]!, fixed)
    })
    return fixed
  }

  /** A Scan returns its state, and what each step puts out, one step behind the other. */
  #scanned({ attrs, inputs }: OnnxNode, given: readonly (Sized | undefined)[]): readonly Sized[] {
    const sequences = attrs.num_scan_inputs as number
    const states = inputs.length - sequences
    const { outputs } = bodyOf(attrs)!
    const steps = given[states]!.shape[0]!
    const rows = outputs
      .slice(states)
      .map(({ type, shape }) => ({ type, shape: [steps, ...(shape as number[])] }))
    return [...given.slice(0, states).map((state) => state!), ...rows]
  }

  /** Bytes that a Scan takes while it runs: those of its body, and a second buffer for its state. */
  #inside({ attrs, inputs }: OnnxNode): number {
    const body = bodyOf(attrs)
    if (!body) return 0
    const states = inputs.slice(0, inputs.length - (attrs.num_scan_inputs as number))
    const second = states.map((name) => ({ bytes: bytesOf(this.#sizes.get(name)!), last: 0 }))
    for (const buffer of second) this.uses.push({ buffer, taken: true })
    const inner = peak(this.#walk(body))
    for (const buffer of second) this.uses.push({ buffer, taken: false })
    return inner + second.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

function bodyOf(attrs: OnnxNode['attrs']): OnnxBody | undefined {
  const body = attrs.body
  return typeof body === 'object' && 'graph' in body ? body.graph : undefined
}

/** Their output is their first input, seen differently. */
const VIEWS = new Set(['Reshape', 'Squeeze', 'Unsqueeze'])
interface Buffer {
  readonly bytes: number
  /** Place in the run after which nothing reads it. */
  last: number
}

/** A buffer is taken, or given back. */
interface Use {
  readonly buffer: Buffer
  readonly taken: boolean
}

interface Held {
  readonly sizes: ReadonlyMap<Name, Sized>
  /** What the graph returns, and whether it is written where the caller keeps it. */
  readonly results: ReadonlyMap<Name, boolean>
  readonly inside: (node: OnnxNode) => number
  /** Added to. */
  readonly uses: Use[]
}

/** What is held while each node runs, of all that the nodes make. */
function hold(nodes: readonly OnnxNode[], { sizes, results, inside, uses }: Held): Moment[] {
  const lastRead = new Map(nodes.flatMap((node, at) => reads(node).map((name) => [name, at] as const)))
  const buffers = new Map<Name, Buffer>()
  const kept = new Set<Buffer>()
  let held = 0

  const take = (buffer: Buffer): void => {
    held += buffer.bytes
    if (buffer.bytes === 0) return
    kept.add(buffer)
    uses.push({ buffer, taken: true })
  }
  const give = (buffer: Buffer): void => {
    held -= buffer.bytes
    if (kept.delete(buffer)) uses.push({ buffer, taken: false })
  }
  const place = (node: OnnxNode, name: Name): void => {
    // An output that nothing reads is not let go before the end of the run.
    const last = results.has(name) ? nodes.length : (lastRead.get(name) ?? nodes.length)
    const seen = VIEWS.has(node.type) ? buffers.get(node.inputs[0]!) : undefined
    if (seen) seen.last = Math.max(seen.last, last)
    // What the caller feeds, and a view of it, is the caller's.
    else if (VIEWS.has(node.type)) return
    const buffer = seen ?? { bytes: results.get(name) === true ? 0 : bytesOf(sizes.get(name)!), last }
    if (!seen) take(buffer)
    buffers.set(name, buffer)
  }
  const moments = nodes.map((node, at) => {
    for (const name of node.outputs) if (name !== '') place(node, name)
    const shapes = node.outputs.flatMap((name) => (name === '' ? [] : [sizes.get(name)!.shape]))
    const moment = { node, shapes, bytes: held + inside(node) }
    const touched = new Set([...reads(node), ...node.outputs].flatMap((name) => buffers.get(name) ?? []))
    for (const buffer of touched) if (buffer.last <= at) give(buffer)
    return moment
  })
  for (const buffer of kept) uses.push({ buffer, taken: false })
  return moments
}
