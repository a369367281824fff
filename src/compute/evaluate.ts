/** @file The oracle: runs a graph in plain TypeScript and float64. Slow, and what every executor is tested against. */
import { type Tensor, toposort, type Value } from './graph.ts'

/** What leaves stand for: inputs, parameters and weights by value. */
export type Bindings = ReadonlyMap<Value, Tensor>

/** Values of `outputs`. Every leaf they need must be bound; constants bind themselves. */
export function evaluate(outputs: readonly Value[], bindings: Bindings): Tensor[] {
  const values = new Map<Value, Tensor>(bindings)
  for (const node of toposort(outputs)) {
    if (node.outputs.every((value) => values.has(value))) continue
    const inputs = node.inputs.map((value) => values.get(value)!)
    node.op.evaluate(inputs, node.attrs, node).forEach((result, i) => {
      values.set(node.outputs[i]!, result)
    })
  }
  return outputs.map((value) => values.get(value)!)
}
