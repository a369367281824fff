/** @file Runs a graph in the oracle: finds its leaves and gives each its value. */

import { toposort } from '../../src/compute/graph.ts'
import { type Bindings, evaluate, type Tensor, type Value } from '../../src/compute/index.ts'
import { readTensor } from '../../src/nn/index.ts'
import type { WeightSlice } from '../../src/plugin/contract.ts'

export interface OracleFeeds {
  /** Inputs by name. */
  readonly inputs: Readonly<Record<string, Tensor>>
  /** Parameters by name; one that starts from a weight file may be left out. */
  readonly parameters: ReadonlyMap<string, Tensor>
}

export function tensor(data: ArrayLike<number>, shape: readonly number[]): Tensor {
  return { data: Float64Array.from(data), shape }
}

/** Weights are read from their files, inputs and parameters are taken by name. */
export async function runOracle(outputs: readonly Value[], feeds: OracleFeeds): Promise<Tensor[]> {
  const bindings = new Map<Value, Tensor>()
  for (const { op, attrs, outputs: values } of toposort(outputs)) {
    const value = await leaf(op.name, attrs, feeds)
    if (value) bindings.set(values[0]!, value)
  }
  return evaluate(outputs, bindings satisfies Bindings)
}

async function leaf(
  op: string,
  attrs: Readonly<Record<string, unknown>>,
  feeds: OracleFeeds,
): Promise<Tensor | undefined> {
  if (op === 'input') {
    const fed = feeds.inputs[attrs.name as string]
    if (!fed) throw new Error(`input ${attrs.name} is not fed`)
    return fed
  }
  if (op === 'weight') return stored(attrs as unknown as WeightSlice)
  if (op !== 'parameter') return undefined
  const { name, shape, init } = attrs.spec as { name: string; shape: number[]; init: { kind: string } }
  const known = feeds.parameters.get(name)
  if (known) return known
  if (init.kind !== 'weight') throw new Error(`parameter ${name} has no value`)
  return stored({ name, shape, ...init } as unknown as WeightSlice)
}

async function stored(slice: WeightSlice): Promise<Tensor> {
  return tensor(await readTensor(slice), slice.shape)
}
