/** @file A factor for each column of the last dim, and the sum down the columns that its gradient needs. */
import { apply1, type Op, type Value } from '../graph.ts'
import { mapTensor, tensor, width } from '../shapes.ts'
import { mul } from './elementwise.ts'

type None = Readonly<Record<string, never>>

export const mulColumnsOp: Op<None> = {
  name: 'mul-columns',
  shape: ([x, v]) => {
    if (v!.shape.length !== 1 || v!.shape[0] !== width('mul-columns', x!)) {
      throw new Error(`mul-columns: [${v!.shape}] is no factor for each column of [${x!.shape}]`)
    }
    return [{ dtype: 'f32', shape: x!.shape }]
  },
  grad: ([g], { inputs: [x, v] }, [wx, wv]) => [
    wx ? mulColumns(g!, v!) : null,
    wv ? columnSum(mul(g!, x!)) : null,
  ],
  onnx: ([x, v], _attrs, context) => [context.op('Mul', [x!, v!])],
  evaluate: ([x, v]) => [mapTensor(x!, (value, i) => value * v!.data[i % v!.data.length]!)],
}
/** x [..., D] by v [D] -> [..., D]. */
export const mulColumns = (x: Value, v: Value): Value => apply1(mulColumnsOp, [x, v], {})

const columnSumOp: Op<None> = {
  name: 'column-sum',
  shape: ([x]) => [{ dtype: 'f32', shape: [width('column-sum', x!)] }],
  grad: null,
  onnx: ([x], _attrs, context) => [context.op('ReduceSum', [x!, context.i64([0])], { keepdims: 0 })],
  evaluate: ([x]) => {
    const size = x!.shape.at(-1)!
    const sums = new Float64Array(size)
    x!.data.forEach((value, i) => {
      sums[i % size]! += value
    })
    return [tensor(sums, [size])]
  },
}
/** x [rows, length, D] or [labels, D] -> [D]. */
const columnSum = (x: Value): Value => apply1(columnSumOp, [x], {})
