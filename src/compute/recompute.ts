/**
 * @file Recompute (activation checkpointing, Chen et al. 2016) as a rewrite of the backward graph: what lies between
 * two boundaries is computed again when the backward pass gets there, so that only the boundaries live from the
 * forward pass to the backward pass.
 */
import { apply, type Node, toposort, type Value } from './graph.ts'
import { after } from './ops/after.ts'

export interface Recompute {
  /** What the forward pass is for. */
  readonly outputs: readonly Value[]
  /** Values that stay, in the order of the forward pass: the residual stream before, between and behind the layers. */
  readonly boundaries: readonly Value[]
  /** Gradient of each boundary, null where nothing flows. */
  readonly arriving: readonly (Value | null)[]
  /** What the backward pass is for. */
  readonly gradients: readonly Value[]
}

/**
 * The gradients, of a graph in which the values of a segment are computed anew from the boundary before it. Copies wait
 * for the gradient of the boundary behind them, so that one segment at a time is held. Not copied: what depends on no
 * boundary, what another segment reads, and what follows the last boundary.
 */
export function recompute({ outputs, boundaries, arriving, gradients }: Recompute): readonly Value[] {
  const forward = toposort(outputs)
  const past = new Set(forward)
  const segments = cut(forward, boundaries)
  const backward = new Map<Value, Value>()
  const copies = new Map<Value, Value>()
  const now = (value: Value): Value => backward.get(value) ?? value

  /** A value of the forward pass, as the backward pass may read it. */
  const anew = (value: Value): Value => {
    const segment = segments.get(value)
    if (segment === undefined) return value
    const found = copies.get(value)
    if (found) return found
    const [start, behind] = [boundaries[segment]!, arriving[segment + 1]]
    if (behind && !copies.has(start)) copies.set(start, after(start, now(behind)))
    for (const node of between(value.node, segment, segments, copies)) {
      put(
        copies,
        node,
        node.inputs.map((input) => copies.get(input) ?? input),
      )
    }
    return copies.get(value)!
  }
  // Gradients of boundaries come first, the last boundary's foremost: copies wait for them.
  const arrived = arriving.filter((value) => value !== null).reverse()
  for (const node of toposort([...arrived, ...gradients])) {
    if (past.has(node)) continue
    const inputs = node.inputs.map((value) => (past.has(value.node) ? anew(value) : now(value)))
    if (inputs.some((value, i) => value !== node.inputs[i])) put(backward, node, inputs)
  }
  return gradients.map(now)
}

/** Applies a node's op to other inputs. */
function put(copies: Map<Value, Value>, node: Node, inputs: readonly Value[]): void {
  apply(node.op, inputs, node.attrs).forEach((copy, i) => {
    copies.set(node.outputs[i]!, copy)
  })
}

/** The segment of each value that is to be computed anew. */
function cut(forward: readonly Node[], boundaries: readonly Value[]): Map<Value, number> {
  const order = new Map(boundaries.map((value, i) => [value, i]))
  const segments = new Map<Value, number>()
  const nodes = new Map<Node, number>()
  for (const node of forward) {
    const from = node.inputs.map((value) => order.get(value) ?? nodes.get(value.node) ?? -1)
    nodes.set(node, Math.max(-1, ...from))
  }
  for (const [node, segment] of nodes) {
    if (segment < 0 || segment === boundaries.length - 1) continue
    for (const value of node.outputs) if (!order.has(value)) segments.set(value, segment)
  }
  for (const [node, segment] of nodes) {
    for (const value of node.inputs) if (segments.get(value) !== segment) segments.delete(value)
  }
  return segments
}

/** The nodes of a segment that `last` needs, itself included and copied ones left out, inputs before users. */
function between(
  last: Node,
  segment: number,
  segments: ReadonlyMap<Value, number>,
  copies: ReadonlyMap<Value, Value>,
): Node[] {
  const wanted = (value: Value) => segments.get(value) === segment && !copies.has(value)
  return toposort([last.outputs[0]!], wanted)
}
