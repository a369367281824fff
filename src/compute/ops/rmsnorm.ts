/**
 * @file RMSNorm over blocks of the last dim: y = x * inv * (offset + w), inv = 1/sqrt(mean(x^2) + eps).
 * w is as long as a block; a block shorter than the last dim is a norm per head. (Zhang and Sennrich 2019;
 * Gemma stores w around zero and multiplies by 1 + w.)
 */
import { apply, apply1, type Op, type Value } from '../graph.ts'
import type { Name, OnnxContext } from '../onnx/rule.ts'
import { tensor, width, withWidth } from '../shapes.ts'

export type RmsnormAttrs = { readonly eps: number; readonly offset: number }

const block = (w: { readonly shape: readonly unknown[] }): number => w.shape[0] as number

/** x as [blocks, block] where a block is shorter than the last dim; x itself otherwise. */
function asBlocks(x: Name, value: Value, size: number, context: OnnxContext): Name {
  return value.shape.at(-1) === size ? x : context.op('Reshape', [x, context.i64([-1, size])])
}
function asRows(y: Name, value: Value, size: number, context: OnnxContext): Name {
  return value.shape.at(-1) === size
    ? y
    : context.op('Reshape', [y, context.i64([-1, value.shape.at(-1) as number])])
}
function gainOf(w: Name, offset: number, context: OnnxContext): Name {
  return offset === 0
    ? w
    : context.once(`norm gain ${w} ${offset}`, () => context.op('Add', [w, context.f32(offset)]))
}

export const rmsnormOp: Op<RmsnormAttrs> = {
  name: 'rmsnorm',
  shape: ([x, w]) => {
    const [d, size] = [width('rmsnorm', x!), block(w!)]
    if (d % size !== 0) throw new Error(`rmsnorm: a weight [${w!.shape}] does not divide [${x!.shape}]`)
    return [
      { dtype: 'f32', shape: x!.shape },
      { dtype: 'f32', shape: withWidth(x!.shape, d / size) },
    ]
  },
  grad: ([g], node, [wx, ww]) => {
    const [x, w] = node.inputs
    const inv = node.outputs[1]!
    const attrs = node.attrs as RmsnormAttrs
    return [
      wx ? apply1(rmsnormInputGradOp, [g!, x!, w!, inv], attrs) : null,
      ww ? apply1(rmsnormWeightGradOp, [g!, x!, inv], { size: block(w!) }) : null,
    ]
  },
  onnx: ([x, w], { eps, offset }, context, node) => {
    const value = node.inputs[0]!
    const size = block(node.inputs[1]!)
    const [y, inv] = context.ops(
      'SimplifiedLayerNormalization',
      [asBlocks(x!, value, size, context), gainOf(w!, offset, context)],
      context.used(node, 1) ? 2 : 1,
      { axis: -1, epsilon: { float: eps }, stash_type: 1 },
    )
    // inv stays [blocks, 1], the form in which the gradient ops broadcast it.
    return [asRows(y!, value, size, context), inv ?? '']
  },
  evaluate: ([x, w], { eps, offset }) => {
    const size = w!.data.length
    const y = new Float64Array(x!.data.length)
    const inv = new Float64Array(x!.data.length / size)
    for (let b = 0; b < inv.length; b++) {
      let squares = 0
      for (let i = 0; i < size; i++) squares += x!.data[b * size + i]! ** 2
      inv[b] = 1 / Math.sqrt(squares / size + eps)
      for (let i = 0; i < size; i++)
        y[b * size + i] = x!.data[b * size + i]! * inv[b]! * (offset + w!.data[i]!)
    }
    return [tensor(y, x!.shape), tensor(inv, [...x!.shape.slice(0, -1), x!.shape.at(-1)! / size])]
  },
}
/** x [..., D], w [d] with d dividing D -> [..., D]. */
export const rmsnorm = (x: Value, w: Value, attrs: RmsnormAttrs): Value => apply(rmsnormOp, [x, w], attrs)[0]!

/** dx = inv * (g' - n * mean(g' * n)) with g' = g * (offset + w), n = x * inv. */
const rmsnormInputGradOp: Op<RmsnormAttrs> = {
  name: 'rmsnorm-input-grad',
  shape: ([g]) => [g!],
  grad: null,
  onnx: ([g, x, w, inv], { offset }, context, node) => {
    const value = node.inputs[0]!
    const size = block(node.inputs[2]!)
    const scaled = context.op('Mul', [asBlocks(g!, value, size, context), gainOf(w!, offset, context)])
    const normal = context.op('Mul', [asBlocks(x!, value, size, context), inv!])
    const mean = context.op('ReduceMean', [context.op('Mul', [scaled, normal]), context.i64([-1])], {
      keepdims: 1,
    })
    const dx = context.op('Mul', [context.op('Sub', [scaled, context.op('Mul', [normal, mean])]), inv!])
    return [asRows(dx, value, size, context)]
  },
  evaluate: ([g, x, w, inv], { offset }) => {
    const size = w!.data.length
    const dx = new Float64Array(x!.data.length)
    for (let b = 0; b < inv!.data.length; b++) {
      const k = inv!.data[b]!
      let mean = 0
      for (let i = 0; i < size; i++) {
        const at = b * size + i
        mean += (g!.data[at]! * (offset + w!.data[i]!) * x!.data[at]! * k) / size
      }
      for (let i = 0; i < size; i++) {
        const at = b * size + i
        dx[at] = k * (g!.data[at]! * (offset + w!.data[i]!) - x!.data[at]! * k * mean)
      }
    }
    return [tensor(dx, x!.shape)]
  },
}

type WeightGradAttrs = { readonly size: number }
const rmsnormWeightGradOp: Op<WeightGradAttrs> = {
  name: 'rmsnorm-weight-grad',
  shape: (_, { size }) => [{ dtype: 'f32', shape: [size] }],
  grad: null,
  onnx: ([g, x, inv], { size }, context, node) => {
    const value = node.inputs[0]!
    const normal = context.op('Mul', [asBlocks(x!, value, size, context), inv!])
    const each = context.op('Mul', [asBlocks(g!, value, size, context), normal])
    return [context.op('ReduceSum', [each, context.i64([0])], { keepdims: 0 })]
  },
  evaluate: ([g, x, inv], { size }) => {
    const dw = new Float64Array(size)
    g!.data.forEach((v, at) => {
      dw[at % size]! += v * x!.data[at]! * inv!.data[Math.floor(at / size)]!
    })
    return [tensor(dw, [size])]
  },
}
