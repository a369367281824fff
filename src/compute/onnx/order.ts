/**
 * @file The order in which ONNX Runtime runs the nodes of a graph, and the listing that makes it ours. It walks back
 * from the nodes that nothing reads, the last listed first, and from a node to its inputs, again the last listed first
 * (ReverseDFSFrom in its graph.cc); the file's own order decides nothing else.
 */
import type { Name, OnnxNode } from './rule.ts'

/** What a node reads, the bodies of its attributes included. */
export function reads(node: OnnxNode): Name[] {
  const bodies = Object.values(node.attrs).flatMap((value) =>
    typeof value === 'object' && 'graph' in value ? value.graph.nodes.flatMap(reads) : [],
  )
  return [...node.inputs, ...bodies]
}

/**
 * The nodes of `order`, listed for ONNX Runtime: results that nothing else waits for, such as the gradients of
 * parameters, stand last and the earliest of them at the very end, so that each is made, and what it needs let go,
 * before the next is begun.
 */
export function listed(order: readonly OnnxNode[]): OnnxNode[] {
  const read = new Set(order.filter(({ type }) => type !== 'Identity').flatMap(reads))
  const ends = order.filter(({ outputs }) => !outputs.some((name) => read.has(name)))
  const [names, results] = [
    ends.filter(({ type }) => type === 'Identity'),
    ends.filter(({ type }) => type !== 'Identity'),
  ]
  const late = new Set(ends)
  return [...order.filter((node) => !late.has(node)), ...results.reverse(), ...names.reverse()]
}

/**
 * Second names that ONNX Runtime does away with, and what they name: an Identity whose input nothing else reads gives
 * its output's name to whatever made its input.
 */
export function renamed(nodes: readonly OnnxNode[]): ReadonlyMap<Name, Name> {
  const made = new Set(nodes.flatMap(({ outputs }) => outputs))
  const counts = new Map<Name, number>()
  for (const name of nodes.flatMap(reads)) counts.set(name, (counts.get(name) ?? 0) + 1)
  const gone = nodes.filter(
    ({ type, inputs }) => type === 'Identity' && counts.get(inputs[0]!) === 1 && made.has(inputs[0]!),
  )
  return new Map(gone.map(({ inputs, outputs }) => [outputs[0]!, inputs[0]!]))
}

/** The order in which ONNX Runtime runs listed nodes. */
export function executionOrder(nodes: readonly OnnxNode[]): OnnxNode[] {
  const gone = renamed(nodes)
  const kept = nodes.filter(({ outputs }) => !gone.has(outputs[0]!))
  const maker = new Map(kept.flatMap((node, index) => node.outputs.map((name) => [name, index] as const)))
  const inputs = kept.map((node) => {
    const makers = reads(node).flatMap((name) => maker.get(name) ?? [])
    return [...new Set(makers)].sort((a, b) => a - b)
  })
  const read = new Set(inputs.flat())
  const stack = kept.flatMap((_, index) => (read.has(index) ? [] : [{ index, entered: false }]))
  const seen = new Set<number>()
  const order: OnnxNode[] = []
  while (stack.length > 0) {
    const { index, entered } = stack.pop()!
    if (entered) order.push(kept[index]!)
    if (entered || seen.has(index)) continue
    seen.add(index)
    stack.push({ index, entered: true })
    for (const input of inputs[index]!) if (!seen.has(input)) stack.push({ index: input, entered: false })
  }
  return order
}
