/** @file A program as text, a node a line, for people and for tests. */
import type { Program, Value } from './graph.ts'

/** `%3: f32[rows,length,128] = linear(%1, %2)`; leaves carry their names. */
export function print(program: Program): string {
  const names = new Map<Value, string>()
  const lines: string[] = []
  for (const node of program.order) {
    node.outputs.forEach((value) => {
      names.set(value, `%${names.size}`)
    })
    const left = node.outputs.map((value) => `${names.get(value)}: ${value.dtype}[${value.shape}]`).join(', ')
    const attrs = Object.entries(node.attrs).map(([key, value]) => `${key}=${brief(value)}`)
    lines.push(
      `${left} = ${node.op.name}(${[...node.inputs.map((value) => names.get(value)), ...attrs].join(', ')})`,
    )
  }
  for (const { name, value } of program.outputs) lines.push(`return ${name} = ${names.get(value)}`)
  for (const { name, gradient } of program.parameters) {
    if (gradient) lines.push(`gradient ${name} = ${names.get(gradient)}`)
  }
  return `${lines.join('\n')}\n`
}

function brief(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if ('name' in value) return String(value.name)
  const text = JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}
