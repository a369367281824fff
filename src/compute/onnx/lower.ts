/** @file Program -> ONNX model bytes and what an executor must feed and fetch. */
import { basename, dirname } from 'node:path'
import type { Dim, Node, ParameterSpec, Program, Value } from '../graph.ts'
import { type WeightAttrs, weightOp } from '../ops/leaf.ts'
import { listed, reads } from './order.ts'
import { type OnnxExternal, type OnnxModel, writeModel } from './proto.ts'
import type { Name, OnnxAttr, OnnxConstant, OnnxContext, OnnxNode, OnnxPort } from './rule.ts'
import { slimmed } from './slim.ts'

/** Everything the session's worker needs; plain data, so that it crosses to a thread. */
export interface LoweredProgram {
  readonly name: string
  readonly model: Uint8Array
  /** Folder of the weight files, '' where there are none. */
  readonly folder: string
  readonly inputs: readonly {
    readonly name: string
    readonly type: OnnxPort['type']
    readonly shape: readonly Dim[]
  }[]
  /** Outputs that go back to the caller. */
  readonly outputs: readonly string[]
  readonly parameters: readonly ParameterSpec[]
  /** Output that holds a parameter's gradient, by parameter name. */
  readonly gradients: Readonly<Record<string, string>>
  /** Bytes of the weights, as f32 in memory. */
  readonly weightBytes: number
  /** See `Program.narrow`. */
  readonly narrow: boolean
}

const BYTES = { f32: 4, f16: 2, bf16: 2 } as const

/** State shared by a graph and the Scan bodies inside it. */
class Writer {
  readonly nodes: OnnxNode[] = []
  readonly constants: OnnxConstant[] = []
  readonly shared = new Map<string, Name>()
  #next = 0
  readonly #prefix: string
  constructor(prefix: string) {
    this.#prefix = prefix
  }
  fresh(): Name {
    return `${this.#prefix}${this.#next++}`
  }
}

class Lowering implements OnnxContext {
  readonly names: Map<Value, Name>
  readonly #writer: Writer
  readonly #kept: Map<Node, Map<string, Name>>
  readonly #uses: ReadonlySet<Value>
  readonly #sources: ReadonlyMap<string, { readonly name: Name; readonly axis: number }>

  constructor(
    writer: Writer,
    names: Map<Value, Name>,
    uses: ReadonlySet<Value>,
    sources: ReadonlyMap<string, { readonly name: Name; readonly axis: number }>,
    kept = new Map<Node, Map<string, Name>>(),
  ) {
    this.#writer = writer
    this.names = names
    this.#uses = uses
    this.#sources = sources
    this.#kept = kept
  }

  op(type: string, inputs: readonly Name[], attrs: Readonly<Record<string, OnnxAttr>> = {}): Name {
    return this.ops(type, inputs, 1, attrs)[0]!
  }

  ops(
    type: string,
    inputs: readonly Name[],
    count: number,
    attrs: Readonly<Record<string, OnnxAttr>> = {},
  ): readonly Name[] {
    const [domain, bare] = type.includes(':') ? (type.split(':') as [string, string]) : ['', type]
    const outputs = Array.from({ length: count }, () => this.#writer.fresh())
    this.#writer.nodes.push({ type: bare, domain, inputs, outputs, attrs })
    return outputs
  }

  f32(values: readonly number[] | number, shape?: readonly number[]): Name {
    const list = typeof values === 'number' ? [values] : values
    return this.#constant(
      'f32',
      shape ?? (typeof values === 'number' ? [] : [list.length]),
      list,
      Float32Array.from(list),
    )
  }

  i64(values: readonly number[] | number, shape?: readonly number[]): Name {
    const list = typeof values === 'number' ? [values] : values
    const data = BigInt64Array.from(list, (value) => BigInt(value))
    return this.#constant('i64', shape ?? (typeof values === 'number' ? [] : [list.length]), list, data)
  }

  #constant(
    type: 'f32' | 'i64',
    shape: readonly number[],
    list: readonly number[],
    data: Float32Array | BigInt64Array,
  ): Name {
    return this.once(`constant ${type} [${shape}] ${list}`, () => {
      const name = this.#writer.fresh()
      this.#writer.constants.push({ name, type, shape, bytes: new Uint8Array(data.buffer) })
      return name
    })
  }

  once(key: string, build: () => Name): Name {
    const found = this.#writer.shared.get(key)
    if (found !== undefined) return found
    const name = build()
    this.#writer.shared.set(key, name)
    return name
  }

  keep(node: Node, what: string, name: Name): void {
    const byproducts = this.#kept.get(node) ?? new Map<string, Name>()
    this.#kept.set(node, byproducts.set(what, name))
  }

  kept(node: Node, what: string): Name {
    const name = this.#kept.get(node)?.get(what)
    if (name === undefined) throw new Error(`${node.op.name} kept no "${what}"`)
    return name
  }

  shape(dims: readonly Dim[]): Name {
    if (dims.every((dim) => typeof dim === 'number')) return this.i64(dims as readonly number[])
    const parts = dims.map((dim) => (typeof dim === 'number' ? this.i64([dim]) : this.#dim(dim)))
    return this.once(`shape ${dims}`, () => this.op('Concat', parts, { axis: 0 }))
  }

  #dim(name: string): Name {
    const source = this.#sources.get(name)
    if (!source) throw new Error(`no input of the program carries the dim "${name}"`)
    return this.once(`dim ${name}`, () =>
      this.op('Shape', [source.name], { start: source.axis, end: source.axis + 1 }),
    )
  }

  name(value: Value): Name {
    return this.names.get(value)!
  }

  /** Gives a tensor a second name. */
  alias(name: Name, as: Name): void {
    this.#writer.nodes.push({ type: 'Identity', domain: '', inputs: [name], outputs: [as], attrs: {} })
  }

  used(node: Node, index: number): boolean {
    return this.#uses.has(node.outputs[index]!)
  }

  scan: OnnxContext['scan'] = (name, state, sequences, outputs, build) => {
    const writer = new Writer(`${this.#writer.fresh()}_`)
    const body = new Lowering(writer, this.names, this.#uses, this.#sources, this.#kept)
    const stateIn = state.map(({ shape }): OnnxPort => ({ name: writer.fresh(), type: 'f32', shape }))
    const slices = sequences.map(({ type, shape }): OnnxPort => ({ name: writer.fresh(), type, shape }))
    const built = build(
      body,
      stateIn.map((port) => port.name),
      slices.map((port) => port.name),
    )
    const out = (
      names: readonly Name[],
      like: readonly { readonly shape: readonly (number | string)[] }[],
    ): OnnxPort[] => names.map((port, i) => ({ name: port, type: 'f32', shape: like[i]!.shape }))
    const graph = {
      name,
      nodes: writer.nodes,
      constants: writer.constants,
      inputs: [...stateIn, ...slices],
      outputs: [...out(built.state, state), ...out(built.outputs, outputs)],
    }
    const inputs = [...state, ...sequences].map((port) => port.name)
    return this.ops('Scan', inputs, state.length + outputs.length, {
      num_scan_inputs: sequences.length,
      body: { graph },
    })
  }
}

/** Writes a program as an ONNX model. */
export function lower(program: Program): LoweredProgram {
  const { model, ...rest } = lowerGraph(program)
  return { ...rest, model: writeModel(model) }
}

/** A program as an ONNX model that is not yet turned into bytes. */
export type LoweredGraph = Omit<LoweredProgram, 'model'> & { readonly model: OnnxModel }

export function lowerGraph(program: Program): LoweredGraph {
  const writer = new Writer('v')
  const names = new Map<Value, Name>()
  const weights = placeWeights(program.order)
  for (const { name, value } of [...program.inputs, ...program.parameters]) names.set(value, name)
  const sources = dimSources(program)
  const context = new Lowering(writer, names, usedValues(program), sources)
  for (const { name, value } of program.inputs) names.set(value, entered(name, value, context))
  for (const { value, attrs } of weights.slices) names.set(value, widened(attrs, context))
  for (const node of program.order) {
    if (node.outputs.every((value) => names.has(value))) continue
    const inputs = node.inputs.map((value) => names.get(value)!)
    node.op.onnx(inputs, node.attrs, context, node).forEach((name, i) => {
      if (name !== '') names.set(node.outputs[i]!, name)
    })
  }
  const { ports, outputs, gradients } = results(program, context)
  const inputs = [
    ...program.inputs.map(({ name, value }) => ({ name, type: value.dtype, shape: value.shape })),
    ...program.parameters.map(({ name, shape }) => ({ name, type: 'f32' as const, shape })),
  ]
  const written = program.narrow ? slimmed(writer.nodes, ports) : writer.nodes
  const nodes = listed(withoutDead(written, ports))
  const model = {
    name: program.name,
    nodes,
    constants: writer.constants,
    external: weights.external,
    inputs,
    outputs: ports,
  }
  return {
    name: program.name,
    model,
    folder: weights.folder,
    inputs: inputs.slice(0, program.inputs.length),
    outputs,
    parameters: program.parameters.map(({ value: _, gradient: __, ...spec }) => spec),
    gradients,
    weightBytes: weights.bytes,
    narrow: program.narrow,
  }
}

/** An input of shape [rows, length, ...rest] is flattened where it enters. */
function entered(name: Name, { shape }: Value, context: Lowering): Name {
  if (!isTokens(shape)) return name
  return context.op('Reshape', [name, context.shape([-1, ...shape.slice(2)])])
}

/** Weights stored narrower than f32 are widened once: the session folds the cast when it loads. */
function widened({ name, dtype }: WeightAttrs, context: Lowering): Name {
  return dtype === 'f32' ? name : context.once(`wide ${name}`, () => context.op('Cast', [name], { to: 1 }))
}

function placeWeights(order: readonly Node[]) {
  const nodes = order.filter((node) => (node.op as unknown) === weightOp)
  const slices = nodes.map((node) => ({ value: node.outputs[0]!, attrs: node.attrs as WeightAttrs }))
  const folders = [...new Set(slices.map(({ attrs }) => dirname(attrs.file)))]
  if (folders.length > 1) {
    throw new Error(
      `the weight files of one model must lie in one real folder, found ${folders.join(' and ')}`,
    )
  }
  // A tied weight is one initializer, however many nodes name it.
  const byName = new Map(slices.map(({ attrs }) => [attrs.name, attrs]))
  const external = [...byName.values()].map(({ name, file, offset, dtype, shape }): OnnxExternal => {
    const length = BYTES[dtype] * shape.reduce((a, b) => a * b, 1)
    return { name, type: dtype, shape, location: basename(file), offset, length }
  })
  const bytes = external.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0)
  return { slices, external, folder: folders[0] ?? '', bytes }
}

function dimSources(program: Program): Map<string, { readonly name: Name; readonly axis: number }> {
  const sources = new Map<string, { readonly name: Name; readonly axis: number }>()
  for (const { name, value } of program.inputs) {
    value.shape.forEach((dim, axis) => {
      if (typeof dim === 'string' && !sources.has(dim)) sources.set(dim, { name, axis })
    })
  }
  return sources
}

function usedValues(program: Program): ReadonlySet<Value> {
  const used = new Set<Value>(program.outputs.map(({ value }) => value))
  for (const { gradient } of program.parameters) if (gradient) used.add(gradient)
  for (const node of program.order) for (const value of node.inputs) used.add(value)
  return used
}

/** Outputs get names of their own through an Identity: one tensor may be asked for twice, or be a leaf. */
function results(program: Program, context: Lowering) {
  const outputs = program.outputs.map(({ name }) => `out ${name}`)
  const wanted = program.outputs.map(({ value }, i) => ({ as: outputs[i]!, value }))
  const gradients: Record<string, string> = {}
  for (const { name, gradient } of program.parameters) {
    if (!gradient) continue
    gradients[name] = `gradient ${name}`
    wanted.push({ as: gradients[name]!, value: gradient })
  }
  const ports = wanted.map(({ as, value }): OnnxPort => {
    context.alias(context.name(value), as)
    return { name: as, type: 'f32', shape: flattened(value.shape) }
  })
  return { ports, outputs: program.outputs.map(({ name }) => name), gradients }
}

/** [rows, length, ...rest] is held as [tokens, ...rest]; see rule.ts. */
function flattened(shape: readonly Dim[]): readonly (number | string)[] {
  return isTokens(shape) ? ['tokens', ...shape.slice(2)] : shape
}

const isTokens = (shape: readonly Dim[]): boolean =>
  shape.length > 2 && shape[0] === 'rows' && shape[1] === 'length'

/** Drops nodes whose outputs nothing reads, such as the parts of an op's rule that this program does not use. */
function withoutDead(nodes: readonly OnnxNode[], ports: readonly OnnxPort[]): OnnxNode[] {
  const live = new Set(ports.map(({ name }) => name))
  const kept: OnnxNode[] = []
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => live.has(name))) continue
    kept.push(node)
    for (const name of reads(node)) live.add(name)
  }
  return kept.reverse()
}
