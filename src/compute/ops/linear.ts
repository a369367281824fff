/** @file y = x W^T with W [out, in], and its two gradients. The three are closed under each other. */
import { apply1, type Op, type Value } from '../graph.ts'
import { matrix, rowsOf, sameShape, tensor, width, withWidth } from '../shapes.ts'

type None = Readonly<Record<string, never>>

export const linearOp: Op<None> = {
  name: 'linear',
  shape: ([x, w]) => {
    const [out, inside] = matrix('linear', w!)
    if (width('linear', x!) !== inside) throw new Error(`linear: [${x!.shape}] by [${w!.shape}] do not fit`)
    return [{ dtype: 'f32', shape: withWidth(x!.shape, out) }]
  },
  grad: ([g], { inputs: [x, w] }, [wx, ww]) => [
    wx ? linearInputGrad(g!, w!) : null,
    ww ? linearWeightGrad(x!, g!) : null,
  ],
  onnx: ([x, w], _attrs, context) => [context.op('Gemm', [x!, w!], { transB: 1 })],
  evaluate: ([x, w]) => {
    const [out, inside] = w!.shape as [number, number]
    const rows = rowsOf(x!)
    const y = new Float64Array(rows * out)
    for (let r = 0; r < rows; r++) {
      for (let o = 0; o < out; o++) {
        let s = 0
        for (let i = 0; i < inside; i++) s += x!.data[r * inside + i]! * w!.data[o * inside + i]!
        y[r * out + o] = s
      }
    }
    return [tensor(y, [...x!.shape.slice(0, -1), out])]
  },
}
/** x [..., in] by w [out, in] -> [..., out]. */
export const linear = (x: Value, w: Value): Value => apply1(linearOp, [x, w], {})

export const linearInputGradOp: Op<None> = {
  name: 'linear-input-grad',
  shape: ([g, w]) => {
    const [out, inside] = matrix('linear-input-grad', w!)
    if (width('linear-input-grad', g!) !== out) {
      throw new Error(`linear-input-grad: [${g!.shape}] by [${w!.shape}] do not fit`)
    }
    return [{ dtype: 'f32', shape: withWidth(g!.shape, inside) }]
  },
  grad: ([gg], { inputs: [g, w] }, [wg, ww]) => [
    wg ? linear(gg!, w!) : null,
    ww ? linearWeightGrad(gg!, g!) : null,
  ],
  onnx: ([g, w], _attrs, context) => [context.op('Gemm', [g!, w!])],
  evaluate: ([g, w]) => {
    const [out, inside] = w!.shape as [number, number]
    const rows = rowsOf(g!)
    const dx = new Float64Array(rows * inside)
    for (let r = 0; r < rows; r++) {
      for (let o = 0; o < out; o++) {
        const go = g!.data[r * out + o]!
        for (let i = 0; i < inside; i++) dx[r * inside + i]! += go * w!.data[o * inside + i]!
      }
    }
    return [tensor(dx, [...g!.shape.slice(0, -1), inside])]
  },
}
/** g [..., out] by w [out, in] -> [..., in]: gradient of `linear` for its input. */
export const linearInputGrad = (g: Value, w: Value): Value => apply1(linearInputGradOp, [g, w], {})

export const linearWeightGradOp: Op<None> = {
  name: 'linear-weight-grad',
  shape: ([x, g]) => {
    sameShape(
      'linear-weight-grad',
      { dtype: 'f32', shape: x!.shape.slice(0, -1) },
      { dtype: 'f32', shape: g!.shape.slice(0, -1) },
    )
    return [{ dtype: 'f32', shape: [width('linear-weight-grad', g!), width('linear-weight-grad', x!)] }]
  },
  grad: ([gw], { inputs: [x, g] }, [wx, wg]) => [
    wx ? linearInputGrad(g!, gw!) : null,
    wg ? linear(x!, gw!) : null,
  ],
  onnx: ([x, g], _attrs, context) => [context.op('Gemm', [g!, x!], { transA: 1 })],
  evaluate: ([x, g]) => {
    const inside = x!.shape[x!.shape.length - 1]!
    const out = g!.shape[g!.shape.length - 1]!
    const dw = new Float64Array(out * inside)
    for (let r = 0; r < rowsOf(x!); r++) {
      for (let o = 0; o < out; o++) {
        const go = g!.data[r * out + o]!
        for (let i = 0; i < inside; i++) dw[o * inside + i]! += go * x!.data[r * inside + i]!
      }
    }
    return [tensor(dw, [out, inside])]
  },
}
/** x [..., in], g [..., out] -> [out, in], summed over the leading dims: gradient of `linear` for its weight. */
export const linearWeightGrad = (x: Value, g: Value): Value => apply1(linearWeightGradOp, [x, g], {})
