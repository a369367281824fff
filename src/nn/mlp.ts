/** @file The gated feed-forward part: down(activation(gate(x)) * up(x)). */
import { geglu, swiglu, type Value } from '../compute/index.ts'
import { type Building, type Projection, project } from './linear.ts'

export interface Mlp {
  readonly gate: Projection
  readonly up: Projection
  readonly down: Projection
  readonly activation: 'gelu' | 'silu'
}

/** [rows, length, hidden] -> [rows, length, hidden] */
export function mlp(x: Value, part: Mlp, building: Building): Value {
  const gate = project(x, part.gate, building)
  const up = project(x, part.up, building)
  const inner = part.activation === 'gelu' ? geglu(gate, up) : swiglu(gate, up)
  return project(inner, part.down, building)
}
