/** @file Reverse-mode autodiff, graph to graph: it follows only what reaches a wanted value. */
import { type Node, toposort, type Value } from './graph.ts'
import { add } from './ops/elementwise.ts'
import { constant } from './ops/leaf.ts'

/**
 * Gradients of a scalar `output` with respect to `targets`, as new graph values; null for a target that the
 * output does not depend on.
 */
export function grad(output: Value, targets: readonly Value[]): (Value | null)[] {
  const gradients = gradientsOnTheWay(output, targets)
  return targets.map((target) => gradients.get(target) ?? null)
}

/**
 * The gradient of every value on the way from `output` to the `targets`. Nothing is built below the lowest target:
 * frozen weights and what only they feed get no gradient.
 */
export function gradientsOnTheWay(output: Value, targets: readonly Value[]): ReadonlyMap<Value, Value> {
  if (output.shape.length !== 0) throw new Error(`grad: expected a scalar, found [${output.shape}]`)
  const order = toposort([output])
  const reaches = reachable(order, targets)
  const gradients = new Map<Value, Value>([[output, constant([1], [])]])
  for (const node of order.reverse()) {
    if (!reaches.has(node)) continue
    const received = node.outputs.map((value) => gradients.get(value) ?? null)
    if (received.every((g) => g === null) || node.inputs.length === 0) continue
    if (!node.op.grad) throw new Error(`grad: ${node.op.name} has no gradient`)
    const wanted = node.inputs.map((value) => reaches.has(value.node))
    node.op.grad(received, node, wanted).forEach((part, i) => {
      if (!part || !wanted[i]) return
      const source = node.inputs[i]!
      const sum = gradients.get(source)
      gradients.set(source, sum ? add(sum, part) : part)
    })
  }
  return gradients
}

/** Nodes from which a target is reached against the flow of data: the targets and whatever depends on them. */
function reachable(order: readonly Node[], targets: readonly Value[]): Set<Node> {
  const set = new Set<Node>(targets.map((target) => target.node))
  for (const node of order) if (node.inputs.some((value) => set.has(value.node))) set.add(node)
  return set
}
