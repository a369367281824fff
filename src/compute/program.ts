/** @file Makes a program of a graph: its leaves checked, its order written down. */
import type { ParameterSpec, Program, Value } from './graph.ts'
import { toposort } from './graph.ts'
import { inputOp, parameterOp } from './ops/leaf.ts'

/** Parameters that `outputs` read, in the order they are first reached. */
export function parametersOf(outputs: readonly Value[]): Value[] {
  return toposort(outputs)
    .filter((node) => (node.op as unknown) === parameterOp)
    .map((node) => node.outputs[0]!)
}

/**
 * A program with the named outputs and, where `gradients` is given, one gradient for each parameter in it.
 * Inputs are found in the graph. Throws when two leaves share a name.
 */
export function program(options: {
  readonly name: string
  readonly outputs: Readonly<Record<string, Value>>
  readonly gradients?: ReadonlyMap<Value, Value>
  readonly narrow?: boolean
}): Program {
  const outputs = Object.entries(options.outputs).map(([name, value]) => ({ name, value }))
  const gradients = options.gradients ?? new Map<Value, Value>()
  // What the forward pass reached last, its gradient is ready first: it is not to wait for the others.
  const roots = [...outputs.map(({ value }) => value), ...[...gradients.values()].reverse()]
  const order = toposort(roots)
  const inputs = order
    .filter((node) => (node.op as unknown) === inputOp)
    .map((node) => ({ name: node.attrs.name as string, value: node.outputs[0]! }))
  const parameters = parametersOf(roots).map((value) => {
    const spec = value.node.attrs.spec as ParameterSpec
    return { ...spec, value, gradient: gradients.get(value) ?? null }
  })
  refuseTwins([...inputs, ...parameters].map(({ name }) => name))
  const { name, narrow = false } = options
  return Object.freeze({ name, inputs, outputs, parameters, order, narrow })
}

function refuseTwins(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw new Error(`program: two leaves are named "${name}"`)
    seen.add(name)
  }
}
