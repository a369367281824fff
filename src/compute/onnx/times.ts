/** @file A product with a number, which 1 leaves out. */
import type { Name, OnnxContext } from './rule.ts'

export function times(x: Name, factor: number, context: OnnxContext): Name {
  return factor === 1 ? x : context.op('Mul', [x, context.f32(factor)])
}
