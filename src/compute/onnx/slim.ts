/**
 * @file Fewer nodes for the same graph. Over few tokens at a time a node costs more than what it computes: a reshape
 * of a reshape, and an Identity that only gives an output its name, are worth taking out there.
 */
import type { Name, OnnxNode, OnnxPort } from './rule.ts'

/** The nodes, in their order, without those that can be spared. */
export function slimmed(nodes: readonly OnnxNode[], ports: readonly OnnxPort[]): readonly OnnxNode[] {
  return namedOutputs(joinedReshapes(nodes), ports)
}

/** What a reshape reads may be what another one read: their shapes hold no 0, so none copies from its input. */
function joinedReshapes(nodes: readonly OnnxNode[]): OnnxNode[] {
  const origins = new Map<Name, Name>()
  return nodes.map((node) => {
    if (node.type !== 'Reshape') return node
    const [read, shape] = node.inputs as [Name, Name]
    const origin = origins.get(read) ?? read
    origins.set(node.outputs[0]!, origin)
    return origin === read ? node : { ...node, inputs: [origin, shape] }
  })
}

/** A value that is one output of the graph takes its name; a body inside a node may read names, and then nothing is renamed. */
function namedOutputs(nodes: readonly OnnxNode[], ports: readonly OnnxPort[]): readonly OnnxNode[] {
  if (
    nodes.some(({ attrs }) =>
      Object.values(attrs).some((value) => typeof value === 'object' && 'graph' in value),
    )
  )
    return nodes
  const made = new Set(nodes.flatMap(({ outputs }) => outputs))
  const outside = new Set(ports.map(({ name }) => name))
  const names = new Map<Name, Name>()
  const kept = nodes.filter(({ type, inputs: [read], outputs: [name] }) => {
    const takes =
      type === 'Identity' && outside.has(name!) && made.has(read!) && !outside.has(read!) && !names.has(read!)
    if (takes) names.set(read!, name!)
    return !takes
  })
  const renamed = (list: readonly Name[]): Name[] => list.map((name) => names.get(name) ?? name)
  return kept.map((node) => ({ ...node, inputs: renamed(node.inputs), outputs: renamed(node.outputs) }))
}
