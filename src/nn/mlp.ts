/** @file The gated feed-forward part: down(gelu(gate(x)) * up(x)). */
import { geglu, type Value } from '../compute/index.ts'
import { type Building, type Projection, project } from './linear.ts'

export interface Mlp {
  readonly gate: Projection
  readonly up: Projection
  readonly down: Projection
}

/** [rows, length, hidden] -> [rows, length, hidden] */
export function mlp(x: Value, part: Mlp, building: Building): Value {
  const gate = project(x, part.gate, building)
  const up = project(x, part.up, building)
  return project(geglu(gate, up), part.down, building)
}
