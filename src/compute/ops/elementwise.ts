/** @file add, mul, scale by a number, scale by a scalar value, sum of all elements, dropout. */
import { apply1, type Op, type Value } from '../graph.ts'
import { times } from '../onnx/times.ts'
import { mapTensor, sameShape, tensor } from '../shapes.ts'

type None = Readonly<Record<string, never>>

export const addOp: Op<None> = {
  name: 'add',
  shape: ([a, b]) => [{ dtype: 'f32', shape: sameShape('add', a!, b!) }],
  grad: ([g], _node, wanted) => wanted.map((w) => (w ? g! : null)),
  onnx: ([a, b], _attrs, context) => [context.op('Add', [a!, b!])],
  evaluate: ([a, b]) => [mapTensor(a!, (x, i) => x + b!.data[i]!)],
}
export const add = (a: Value, b: Value): Value => apply1(addOp, [a, b], {})

export const mulOp: Op<None> = {
  name: 'mul',
  shape: ([a, b]) => [{ dtype: 'f32', shape: sameShape('mul', a!, b!) }],
  grad: ([g], { inputs: [a, b] }, [wa, wb]) => [wa ? mul(g!, b!) : null, wb ? mul(g!, a!) : null],
  onnx: ([a, b], _attrs, context) => [context.op('Mul', [a!, b!])],
  evaluate: ([a, b]) => [mapTensor(a!, (x, i) => x * b!.data[i]!)],
}
export const mul = (a: Value, b: Value): Value => apply1(mulOp, [a, b], {})

type ScaleAttrs = { readonly factor: number }
export const scaleOp: Op<ScaleAttrs> = {
  name: 'scale',
  shape: ([x]) => [x!],
  grad: ([g], { attrs }) => [scale(g!, (attrs as ScaleAttrs).factor)],
  onnx: ([x], { factor }, context) => [times(x!, factor, context)],
  evaluate: ([x], { factor }) => [mapTensor(x!, (v) => v * factor)],
}
/** x times a number known when the graph is built. */
export const scale = (x: Value, factor: number): Value => apply1(scaleOp, [x], { factor })

export const mulScalarOp: Op<None> = {
  name: 'mul-scalar',
  shape: ([x, s]) => {
    if (s!.shape.length !== 0) throw new Error(`mul-scalar: expected a scalar, found [${s!.shape}]`)
    return [x!]
  },
  grad: ([g], { inputs: [x, s] }, [wx, ws]) => [wx ? mulScalar(g!, s!) : null, ws ? sum(mul(g!, x!)) : null],
  onnx: ([x, s], _attrs, context) => [context.op('Mul', [x!, s!])],
  evaluate: ([x, s]) => [mapTensor(x!, (v) => v * s!.data[0]!)],
}
/** x times a scalar that is itself a value. */
export const mulScalar = (x: Value, s: Value): Value => apply1(mulScalarOp, [x, s], {})

export const sumOp: Op<None> = {
  name: 'sum',
  shape: () => [{ dtype: 'f32', shape: [] }],
  grad: ([g], { inputs: [x] }) => [expand(g!, x!)],
  onnx: ([x], _attrs, context) => [context.op('ReduceSum', [x!], { keepdims: 0 })],
  evaluate: ([x]) => [tensor(Float64Array.of(x!.data.reduce((a, b) => a + b, 0)), [])],
}
/** Sum of all elements, a scalar. */
export const sum = (x: Value): Value => apply1(sumOp, [x], {})

/** A scalar spread over the shape of another value: the gradient of `sum`. */
export const expandOp: Op<None> = {
  name: 'expand',
  shape: ([, like]) => [{ dtype: 'f32', shape: like!.shape }],
  grad: null,
  onnx: ([s, like], _attrs, context, node) => {
    const { shape } = node.inputs[1]!
    const fixed = shape.every((dim) => typeof dim === 'number')
    return [context.op('Expand', [s!, fixed ? context.shape(shape) : context.op('Shape', [like!])])]
  },
  evaluate: ([s, like]) => [mapTensor(like!, () => s!.data[0]!)],
}
const expand = (s: Value, like: Value): Value => apply1(expandOp, [s, like], {})

type DropoutAttrs = { readonly p: number }
export const dropoutOp: Op<DropoutAttrs> = {
  name: 'dropout',
  shape: ([x, mask]) => {
    if (mask!.dtype !== 'u8') throw new Error(`dropout: the mask must be u8, found ${mask!.dtype}`)
    return [{ dtype: 'f32', shape: sameShape('dropout', x!, mask!) }]
  },
  grad: ([g], { inputs: [, mask], attrs }) => [dropout(g!, mask!, attrs as DropoutAttrs), null],
  onnx: ([x, mask], { p }, context) => [
    times(context.op('Mul', [x!, context.op('Cast', [mask!], { to: 1 })]), 1 / (1 - p), context),
  ],
  evaluate: ([x, mask], { p }) => [mapTensor(x!, (v, i) => (v * mask!.data[i]!) / (1 - p))],
}
/** Keeps x where mask is 1, scaled by 1/(1-p); the mask (u8, 0 or 1) is fed. */
export const dropout = (x: Value, mask: Value, attrs: DropoutAttrs): Value =>
  apply1(dropoutOp, [x, mask], attrs)
