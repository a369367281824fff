/**
 * @file 1 / the norm of each row of W + scale * B A, without gradient: DoRA takes the norm for a constant
 * while it differentiates (Liu et al. 2024, section 4.3).
 */
import { apply1, type Op, type Value } from '../graph.ts'
import { matrix, tensor } from '../shapes.ts'

type RowNormAttrs = { readonly scale: number }

export const inverseRowNormOp: Op<RowNormAttrs> = {
  name: 'inverse-row-norm',
  shape: ([w, b, a]) => {
    const [out, inside] = matrix('inverse-row-norm', w!)
    const [rows, rank] = matrix('inverse-row-norm', b!)
    const [inner, columns] = matrix('inverse-row-norm', a!)
    if (rows !== out || inner !== rank || columns !== inside) {
      throw new Error(`inverse-row-norm: [${w!.shape}] + [${b!.shape}] [${a!.shape}] do not fit`)
    }
    return [{ dtype: 'f32', shape: [out] }]
  },
  grad: () => [null, null, null],
  onnx: ([w, b, a], { scale }, context) => {
    const sum = context.op('Gemm', [b!, a!, w!], { alpha: { float: scale } })
    const norm = context.op('ReduceL2', [sum, context.i64([1])], { keepdims: 0 })
    return [context.op('Reciprocal', [norm])]
  },
  evaluate: ([w, b, a], { scale }) => {
    const [out, inside] = w!.shape as [number, number]
    const rank = a!.shape[0]!
    const inverse = Float64Array.from({ length: out }, (_, o) => {
      let squares = 0
      for (let i = 0; i < inside; i++) {
        let product = 0
        for (let r = 0; r < rank; r++) product += b!.data[o * rank + r]! * a!.data[r * inside + i]!
        squares += (w!.data[o * inside + i]! + scale * product) ** 2
      }
      return 1 / Math.sqrt(squares)
    })
    return [tensor(inverse, [out])]
  },
}
/** W [out, in], B [out, rank], A [rank, in] -> [out]. */
export const inverseRowNorm = (w: Value, b: Value, a: Value, scale: number): Value =>
  apply1(inverseRowNormOp, [w, b, a], { scale })
