/** @file Token embedding: a row of the table for each id, scaled; and the table's gradient. */
import { apply1, type Op, type Value } from '../graph.ts'
import { times } from '../onnx/times.ts'
import { matrix, tensor } from '../shapes.ts'

type EmbedAttrs = { readonly scale: number }

export const embedOp: Op<EmbedAttrs> = {
  name: 'embed',
  shape: ([ids, table]) => [{ dtype: 'f32', shape: [...ids!.shape, matrix('embed', table!)[1]] }],
  grad: ([g], { inputs: [ids, table], attrs }, [, wanted]) => [
    null,
    wanted ? embedGrad(ids!, g!, matrix('embed', table!)[0], (attrs as EmbedAttrs).scale) : null,
  ],
  onnx: ([ids, table], { scale }, context) => {
    const flat = context.once(`flat ${ids}`, () => context.op('Reshape', [ids!, context.i64([-1])]))
    return [times(context.op('Gather', [table!, flat], { axis: 0 }), scale, context)]
  },
  evaluate: ([ids, table], { scale }) => {
    const h = table!.shape[1]!
    const out = new Float64Array(ids!.data.length * h)
    ids!.data.forEach((id, t) => {
      for (let i = 0; i < h; i++) out[t * h + i] = table!.data[id * h + i]! * scale
    })
    return [tensor(out, [...ids!.shape, h])]
  },
}
/** ids [rows, length] i32, table [V, H] -> [rows, length, H]. */
export const embed = (ids: Value, table: Value, scale: number): Value =>
  apply1(embedOp, [ids, table], { scale })

type EmbedGradAttrs = { readonly vocab: number; readonly scale: number }

export const embedGradOp: Op<EmbedGradAttrs> = {
  name: 'embed-grad',
  shape: ([, g], { vocab }) => [{ dtype: 'f32', shape: [vocab, g!.shape[g!.shape.length - 1]!] }],
  grad: null,
  onnx: ([ids, g], { vocab, scale }, context, node) => {
    const h = node.inputs[1]!.shape.at(-1) as number
    const at = context.once(`rows ${ids}`, () =>
      context.op('Cast', [context.op('Reshape', [ids!, context.i64([-1, 1])])], { to: 7 }),
    )
    const empty = context.op('Expand', [context.f32(0, [1, 1]), context.i64([vocab, h])])
    const scaled = times(g!, scale, context)
    return [context.op('ScatterND', [empty, at, scaled], { reduction: 'add' })]
  },
  evaluate: ([ids, g], { vocab, scale }) => {
    const h = g!.shape[g!.shape.length - 1]!
    const out = new Float64Array(vocab * h)
    ids!.data.forEach((id, t) => {
      for (let i = 0; i < h; i++) out[id * h + i]! += g!.data[t * h + i]! * scale
    })
    return [tensor(out, [vocab, h])]
  },
}
const embedGrad = (ids: Value, g: Value, vocab: number, scale: number): Value =>
  apply1(embedGradOp, [ids, g], { vocab, scale })
