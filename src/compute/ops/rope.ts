/**
 * @file Rotary position embedding, half-rotation form (Su et al. 2021, as Llama and Gemma lay it out):
 * out = t*cos + rot(t)*sin with rot(t) = concat(-t[half:], t[:half]), angle = position * frequencies[j] for the pair j.
 * The gradient is the rotation by the opposite angle.
 */
import { apply1, type Op, type Value } from '../graph.ts'
import type { Name, OnnxContext } from '../onnx/rule.ts'
import { tensor, width } from '../shapes.ts'

export type RopeAttrs = {
  readonly headDim: number
  /** Angular step per position of each of the headDim / 2 pairs: f32 values, which a model family scales as it likes. */
  readonly frequencies: readonly number[]
}
type DirectedAttrs = RopeAttrs & { readonly inverse: boolean }

interface Tables {
  readonly cos: Name
  readonly sin: Name
  readonly minusSin: Name
  /** 0, 1, 2, ... as [1, tokens]: every token has its own row in the tables. */
  readonly index: Name
}

function tables(position: Name, attrs: RopeAttrs, context: OnnxContext): Tables {
  const key = `rope ${position} ${attrs.frequencies.join(' ')}`
  const flat = context.once(`flat f32 ${position}`, () =>
    context.op('Cast', [context.op('Reshape', [position, context.i64([-1, 1])])], { to: 1 }),
  )
  const angle = context.once(`${key} angle`, () =>
    context.op('Mul', [flat, context.f32(attrs.frequencies, [1, attrs.headDim / 2])]),
  )
  const sin = context.once(`${key} sin`, () => context.op('Sin', [angle]))
  return {
    cos: context.once(`${key} cos`, () => context.op('Cos', [angle])),
    sin,
    minusSin: context.once(`${key} -sin`, () => context.op('Neg', [sin])),
    index: context.once(`token index ${position}`, () => {
      const count = context.op('Squeeze', [context.op('Shape', [flat], { start: 0, end: 1 })])
      return context.op('Unsqueeze', [
        context.op('Range', [context.i64(0), count, context.i64(1)]),
        context.i64([0]),
      ])
    }),
  }
}

export const ropeOp: Op<DirectedAttrs> = {
  name: 'rope',
  shape: ([x, position], { headDim, frequencies }) => {
    if (position!.dtype !== 'i32') throw new Error(`rope: positions must be i32, found ${position!.dtype}`)
    if (headDim % 2 !== 0 || width('rope', x!) % headDim !== 0) {
      throw new Error(`rope: heads of ${headDim} do not fit [${x!.shape}]`)
    }
    if (frequencies.length !== headDim / 2) {
      throw new Error(
        `rope: heads of ${headDim} have ${headDim / 2} pairs, found ${frequencies.length} frequencies`,
      )
    }
    return [x!]
  },
  grad: ([g], { inputs: [, position], attrs }) => {
    const { inverse, ...rest } = attrs as DirectedAttrs
    return [apply1(ropeOp, [g!, position!], { ...rest, inverse: !inverse }), null]
  },
  onnx: ([x, position], attrs, context, node) => {
    const size = node.inputs[0]!.shape.at(-1) as number
    const { cos, sin, minusSin, index } = tables(position!, attrs, context)
    const row = context.op('Reshape', [x!, context.i64([1, -1, size])])
    const turned = context.op(
      'com.microsoft:RotaryEmbedding',
      [row, index, cos, attrs.inverse ? minusSin : sin],
      { interleaved: 0 },
    )
    return [context.op('Reshape', [turned, context.i64([-1, size])])]
  },
  evaluate: ([x, position], attrs) => {
    const { headDim, inverse, frequencies: step } = attrs
    const half = headDim / 2
    const heads = x!.shape.at(-1)! / headDim
    const out = new Float64Array(x!.data.length)
    position!.data.forEach((p, t) => {
      for (let h = 0; h < heads; h++) {
        for (let j = 0; j < half; j++) {
          const at = (t * heads + h) * headDim + j
          const angle = p * step[j]! * (inverse ? -1 : 1)
          const [a, b] = [x!.data[at]!, x!.data[at + half]!]
          out[at] = a * Math.cos(angle) - b * Math.sin(angle)
          out[at + half] = b * Math.cos(angle) + a * Math.sin(angle)
        }
      }
    })
    return [tensor(out, x!.shape)]
  },
}
/** x [rows, length, heads * headDim], position [rows, length] i32 -> rotated x. */
export const rope = (x: Value, position: Value, attrs: RopeAttrs): Value =>
  apply1(ropeOp, [x, position], { ...attrs, inverse: false })
