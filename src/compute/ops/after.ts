/** @file A value that may not be read before another one is there: an order between nodes that no data asks for. */
import { apply1, type Op, type Value } from '../graph.ts'
import { sameShape } from '../shapes.ts'

type None = Readonly<Record<string, never>>

export const afterOp: Op<None> = {
  name: 'after',
  shape: ([x, first]) => [{ dtype: x!.dtype, shape: sameShape('after', x!, first!) }],
  grad: ([g]) => [g!, null],
  // A Reshape moves nothing, and waits for the shape of `first`.
  onnx: ([x, first], _attrs, context) => [context.op('Reshape', [x!, context.op('Shape', [first!])])],
  evaluate: ([x]) => [x!],
}
/** x, but only once `first`, of the same shape, has been computed. */
export const after = (x: Value, first: Value): Value => apply1(afterOp, [x, first], {})
