/** @file Picks the hidden states at label positions, and puts their gradients back. */
import { apply1, type Op, type Value } from '../graph.ts'
import { tensor, width } from '../shapes.ts'

type None = Readonly<Record<string, never>>

export const takeRowsOp: Op<None> = {
  name: 'take-rows',
  shape: ([x, slots]) => [{ dtype: 'f32', shape: [...slots!.shape, width('take-rows', x!)] }],
  grad: ([g], { inputs: [x, slots] }) => [putRows(g!, slots!, x!), null],
  onnx: ([x, slots], _attrs, context) => [context.op('Gather', [x!, slots!], { axis: 0 })],
  evaluate: ([x, slots]) => {
    const h = x!.shape[x!.shape.length - 1]!
    const out = new Float64Array(slots!.data.length * h)
    slots!.data.forEach((slot, n) => {
      out.set(x!.data.subarray(slot * h, (slot + 1) * h), n * h)
    })
    return [tensor(out, [slots!.data.length, h])]
  },
}
/** x [rows, length, H], slots [labels] i32 (row * length + position, repeats allowed) -> [labels, H]. */
export const takeRows = (x: Value, slots: Value): Value => apply1(takeRowsOp, [x, slots], {})

export const putRowsOp: Op<None> = {
  name: 'put-rows',
  shape: ([, , like]) => [{ dtype: 'f32', shape: like!.shape }],
  grad: null,
  onnx: ([g, slots, like], _attrs, context) => {
    const at = context.once(`slots ${slots}`, () =>
      context.op('Cast', [context.op('Reshape', [slots!, context.i64([-1, 1])])], { to: 7 }),
    )
    const empty = context.op('Expand', [context.f32(0, [1, 1]), context.op('Shape', [like!])])
    return [context.op('ScatterND', [empty, at, g!], { reduction: 'add' })]
  },
  evaluate: ([g, slots, like]) => {
    const h = like!.shape[like!.shape.length - 1]!
    const out = new Float64Array(like!.data.length)
    slots!.data.forEach((slot, n) => {
      for (let i = 0; i < h; i++) out[slot * h + i]! += g!.data[n * h + i]!
    })
    return [tensor(out, like!.shape)]
  },
}
/** The gradient of `takeRows`: rows of g [labels, H] added into zeros of the shape of `like`. */
const putRows = (g: Value, slots: Value, like: Value): Value => apply1(putRowsOp, [g, slots, like], {})
