/**
 * @file Attention of new tokens over keys and values kept from earlier ones and over their own, by the same rule
 * of sight. What is kept is read where it lies: scores of the two parts are put together, never the parts
 * themselves, so that a step copies nothing that grows with the text.
 */
import { apply1, type Dim, type Op, type Tensor, type Value } from '../graph.ts'
import type { Name, OnnxContext } from '../onnx/rule.ts'
import { tensor, width } from '../shapes.ts'
import {
  type AttentionAttrs,
  attentionOp,
  Layout,
  type Place,
  type Places,
  product,
  sight,
} from './attention.ts'

type HeadsAttrs = { readonly heads: number }

export const splitHeadsOp: Op<HeadsAttrs> = {
  name: 'split-heads',
  shape: ([x], { heads }) => {
    const size = width('split-heads', x!)
    const [rows, length] = x!.shape
    if (x!.shape.length !== 3 || size % heads !== 0)
      throw new Error(`split-heads: [${x!.shape}] has no ${heads} heads`)
    return [{ dtype: 'f32', shape: [rows!, heads, length!, size / heads] }]
  },
  grad: null,
  onnx: ([x], { heads }, context, node) => {
    const [rows, length, size] = node.inputs[0]!.shape
    const headDim = (size as number) / heads
    if (heads === 1) return [context.op('Reshape', [x!, context.shape([rows!, 1, length!, headDim])])]
    const split = context.op('Reshape', [x!, context.shape([rows!, length!, heads, headDim])])
    return [context.op('Transpose', [split], { perm: [0, 2, 1, 3] })]
  },
  evaluate: ([x], { heads }) => {
    const [rows, length, size] = x!.shape as [number, number, number]
    const d = size / heads
    const out = new Float64Array(x!.data.length)
    x!.data.forEach((value, at) => {
      const token = Math.floor(at / size)
      const [row, t] = [Math.floor(token / length), token % length]
      const [head, i] = [Math.floor((at % size) / d), at % d]
      out[((row * heads + head) * length + t) * d + i] = value
    })
    return [tensor(out, [rows, heads, length, d])]
  },
}
/** x [rows, length, heads * d] -> [rows, heads, length, d], the form in which keys and values are kept. */
export const splitHeads = (x: Value, heads: number): Value => apply1(splitHeadsOp, [x], { heads })

export const cachedAttentionOp: Op<AttentionAttrs> = {
  name: 'cached-attention',
  shape: ([q, ...kept], { heads, kvHeads, headDim }) => {
    const fits = kept
      .slice(0, 4)
      .every(({ shape }) => shape.length === 4 && shape[1] === kvHeads && shape[3] === headDim)
    if (width('cached-attention', q!) !== heads * headDim || heads % kvHeads !== 0 || !fits) {
      const shapes = kept.slice(0, 4).map(({ shape }) => `[${shape}]`)
      throw new Error(
        `cached-attention: ${heads} heads over ${kvHeads} of ${headDim} do not fit q [${q!.shape}], ${shapes.join(', ')}`,
      )
    }
    return [{ dtype: 'f32', shape: q!.shape }]
  },
  grad: null,
  onnx: ([q, k, v, pastK, pastV, ...places], attrs, context, node) => {
    const { scale } = attrs
    const [queries, own] = [node.inputs[0]!, node.inputs[1]!]
    const [rows, length] = queries.shape
    const past = node.inputs[3]!.shape[2]!
    const layout = new Layout(attrs, context, queries, own)
    const [mine, before] = [places.slice(0, 3), places.slice(3)]
    const all = before.map((name, i) =>
      context.once(`keys ${name} ${mine[i]}`, () => context.op('Concat', [name, mine[i]!], { axis: 1 })),
    )
    const { mask, seen } = groupedSight(mine, all, attrs, rows!, context)
    const turned = layout.queries(q!)
    const scores = context.op(
      'Concat',
      [pastK!, k!].map((keys) => product(context, turned, keys, 0, 1, scale)),
      { axis: -1 },
    )
    const probabilities = context.op('Softmax', [context.op('Add', [scores, mask])], { axis: -1 })
    const sizes = context.shape([past, length!])
    const [toPast, toOwn] = context.ops('Split', [probabilities, sizes], 2, { axis: -1 })
    const mixed = context.op('Add', [
      product(context, toPast!, pastV!, 0, 0),
      product(context, toOwn!, v!, 0, 0),
    ])
    return [layout.fromQueries(context.op('Mul', [mixed, seen]))]
  },
  evaluate: ([q, k, v, pastK, pastV, ...places], attrs, node) => {
    const [keys, values] = [joined(pastK!, k!), joined(pastV!, v!)]
    const [mine, before] = [places.slice(0, 3), places.slice(3)]
    const all = before.map((place, i) => appended(place, mine[i]!))
    return [attentionOp.evaluate([q!, keys, values, ...mine, ...all], attrs, node)[0]!]
  },
}

/**
 * q [rows, length, heads * d]; k, v [rows, kvHeads, length, d]; past k, v [rows, kvHeads, past, d]
 * -> [rows, length, heads * d]. Slots of the past with segment -1 are out of sight, whatever they hold.
 */
export function cachedAttention(
  q: Value,
  own: { readonly k: Value; readonly v: Value },
  past: { readonly k: Value; readonly v: Value },
  place: Place,
  pastPlace: Place,
  attrs: AttentionAttrs,
): Value {
  const places = [place, pastPlace].flatMap(({ segment, branch, position }) => [segment, branch, position])
  return apply1(cachedAttentionOp, [q, own.k, own.v, past.k, past.v, ...places], attrs)
}

/**
 * Mask [rows, 1, queries * group, keys] and whether a query sees anything [rows, 1, queries * group, 1]: written out for
 * every query of a group, once a program, so that no layer has to turn its scores.
 */
function groupedSight(
  mine: readonly Name[],
  all: readonly Name[],
  { heads, kvHeads, window }: AttentionAttrs,
  rows: Dim,
  context: OnnxContext,
): { readonly mask: Name; readonly seen: Name } {
  const group = heads / kvHeads
  const repeated = mine.map((name) => {
    if (group === 1) return name
    return context.once(`${group} times ${name}`, () => {
      const column = context.op('Unsqueeze', [name, context.i64([2])])
      const each = context.op('Expand', [column, context.i64([1, 1, group])])
      return context.op('Reshape', [each, context.shape([rows, -1])])
    })
  })
  const { mask, seen } = sight(asPlaces(repeated), asPlaces(all), window, context)
  return {
    mask: context.once(`flat ${mask}`, () => context.op('Squeeze', [mask, context.i64([3])])),
    seen: context.once(`flat ${seen}`, () => context.op('Reshape', [seen, context.shape([rows, 1, -1, 1])])),
  }
}

const asPlaces = (names: readonly Name[]): Places => names as unknown as Places

/** Two [rows, heads, n, d] as one [rows, n1 + n2, heads * d]. */
function joined(a: Tensor, b: Tensor): Tensor {
  const [rows, heads, before, d] = a.shape as [number, number, number, number]
  const count = before + b.shape[2]!
  const out = new Float64Array(rows * count * heads * d)
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < count; t++) {
      const [from, at] = t < before ? [a, t] : [b, t - before]
      for (let head = 0; head < heads; head++) {
        const start = ((row * heads + head) * from.shape[2]! + at) * d
        out.set(from.data.subarray(start, start + d), ((row * count + t) * heads + head) * d)
      }
    }
  }
  return tensor(out, [rows, count, heads * d])
}

/** [rows, n1] and [rows, n2] -> [rows, n1 + n2] */
function appended(a: Tensor, b: Tensor): Tensor {
  const [rows, n1] = a.shape as [number, number]
  const n2 = b.shape[1]!
  const out = new Float64Array(rows * (n1 + n2))
  for (let row = 0; row < rows; row++) {
    out.set(a.data.subarray(row * n1, (row + 1) * n1), row * (n1 + n2))
    out.set(b.data.subarray(row * n2, (row + 1) * n2), row * (n1 + n2) + n1)
  }
  return tensor(out, [rows, n1 + n2])
}
