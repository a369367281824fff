/**
 * @file Attention with one rule of sight and no mask tensor: a query sees a key of the same segment whose
 * branch is 0 or its own, that is not later, and on windowed layers not `window` or more positions earlier.
 * Padding has segment -1; a query that sees nothing yields 0. Grouped queries share a key/value head.
 */
import { apply, type Dim, type Op, type Tensor, type Value } from '../graph.ts'
import type { Name, OnnxContext } from '../onnx/rule.ts'
import { tensor, width, zeros } from '../shapes.ts'

export type AttentionAttrs = {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly scale: number
  /** Keys at distance `window` or more are out of sight; 0: no limit. */
  readonly window: number
}

/** Where each token stands: all [rows, length] i32. */
export interface Place {
  readonly segment: Value
  readonly branch: Value
  readonly position: Value
}

/** Names of segment, branch and position. */
export type Places = readonly [Name, Name, Name]
const BLOCKED = -1e30

/** Additive mask [rows, 1, queries, 1, keys] and, per query, whether it sees anything: [rows * queries, 1]. */
export function sight(
  q: Places,
  k: Places,
  window: number,
  context: OnnxContext,
): { mask: Name; seen: Name } {
  const column = (name: Name) =>
    context.once(`column ${name}`, () => context.op('Unsqueeze', [name, context.i64([2])]))
  const row = (name: Name) =>
    context.once(`row ${name}`, () => context.op('Unsqueeze', [name, context.i64([1])]))
  const i32 = (value: number) =>
    context.once(`i32 ${value}`, () => context.op('Cast', [context.i64(value)], { to: 6 }))
  const both = `${q} ${k}`
  const causal = context.once(`sight ${both}`, () => {
    const [segment, branch, position] = [row(k[0]), row(k[1]), row(k[2])]
    const same = context.op('And', [
      context.op('Equal', [column(q[0]), segment]),
      context.op('GreaterOrEqual', [segment, i32(0)]),
    ])
    const shared = context.op('Or', [
      context.op('Equal', [branch, i32(0)]),
      context.op('Equal', [branch, column(q[1])]),
    ])
    return context.op('And', [
      context.op('And', [same, shared]),
      context.op('LessOrEqual', [position, column(q[2])]),
    ])
  })
  const windowed = () =>
    context.op('And', [
      causal,
      context.op('Greater', [row(k[2]), context.op('Sub', [column(q[2]), i32(window)])]),
    ])
  const visible = window === 0 ? causal : context.once(`sight ${window} ${both}`, windowed)
  return {
    mask: context.once(`mask ${window} ${both}`, () =>
      context.op('Unsqueeze', [
        context.op('Where', [visible, context.f32(0), context.f32(BLOCKED)]),
        context.i64([1, 3]),
      ]),
    ),
    seen: context.once(`seen ${window} ${both}`, () => {
      const any = context.op('ReduceMax', [context.op('Cast', [visible], { to: 1 }), context.i64([2])], {
        keepdims: 0,
      })
      return context.op('Reshape', [any, context.i64([-1, 1])])
    }),
  }
}

/** Moves between [tokens, heads * d] and the form in which a product over keys is one multiplication a key head. */
export class Layout {
  readonly #attrs: AttentionAttrs
  readonly #context: OnnxContext
  readonly #q: Value
  readonly #k: Value
  constructor(attrs: AttentionAttrs, context: OnnxContext, q: Value, k: Value) {
    this.#attrs = attrs
    this.#context = context
    this.#q = q
    this.#k = k
  }

  /** -> [rows, kvHeads, queries * group, d]. With one key head nothing moves. */
  queries(x: Name): Name {
    const { heads, kvHeads, headDim } = this.#attrs
    const [rows, length] = this.#q.shape
    return this.#grouped(
      x,
      [rows!, length!, kvHeads, heads / kvHeads, headDim],
      [rows!, kvHeads, -1, headDim],
    )
  }

  /** -> [rows, kvHeads, keys, d] */
  keys(x: Name): Name {
    const { kvHeads, headDim } = this.#attrs
    const [rows, length] = this.#k.shape
    return this.#grouped(x, [rows!, length!, kvHeads, 1, headDim], [rows!, kvHeads, -1, headDim])
  }

  fromQueries(x: Name): Name {
    const { heads, kvHeads, headDim } = this.#attrs
    const [rows, length] = this.#q.shape
    return this.#flat(x, [rows!, kvHeads, length!, heads / kvHeads, headDim], heads * headDim)
  }

  fromKeys(x: Name): Name {
    const { kvHeads, headDim } = this.#attrs
    const [rows, length] = this.#k.shape
    return this.#flat(x, [rows!, kvHeads, length!, 1, headDim], kvHeads * headDim)
  }

  #grouped(x: Name, split: readonly Dim[], merged: readonly Dim[]): Name {
    if (this.#attrs.kvHeads === 1) return this.#reshape(x, merged)
    return this.#reshape(this.#swap(this.#reshape(x, split)), merged)
  }

  #flat(x: Name, split: readonly Dim[], size: number): Name {
    if (this.#attrs.kvHeads === 1) return this.#reshape(x, [-1, size])
    return this.#reshape(this.#swap(this.#reshape(x, split)), [-1, size])
  }

  #swap(x: Name): Name {
    return this.#context.op('Transpose', [x], { perm: [0, 2, 1, 3, 4] })
  }

  #reshape(x: Name, dims: readonly Dim[]): Name {
    return this.#context.op('Reshape', [x, this.#context.shape(dims)])
  }
}

export const product = (
  context: OnnxContext,
  a: Name,
  b: Name,
  transA: 0 | 1,
  transB: 0 | 1,
  alpha = 1,
): Name => context.op('com.microsoft:FusedMatMul', [a, b], { transA, transB, alpha: { float: alpha } })

export const attentionOp: Op<AttentionAttrs> = {
  name: 'attention',
  shape: ([q, k, v], { heads, kvHeads, headDim }) => {
    if (
      width('attention', q!) !== heads * headDim ||
      width('attention', k!) !== kvHeads * headDim ||
      heads % kvHeads !== 0
    ) {
      throw new Error(
        `attention: ${heads} heads over ${kvHeads} of ${headDim} do not fit q [${q!.shape}], k [${k!.shape}]`,
      )
    }
    if (width('attention', v!) !== kvHeads * headDim)
      throw new Error(`attention: v [${v!.shape}] differs from k [${k!.shape}]`)
    return [
      { dtype: 'f32', shape: q!.shape },
      { dtype: 'f32', shape: [...q!.shape.slice(0, -1), heads] },
    ]
  },
  grad: ([g], node, [wq, wk, wv]) => {
    const [out, lse] = node.outputs
    const parts = apply(attentionGradOp, [g!, out!, lse!, ...node.inputs], node.attrs as AttentionAttrs)
    const nothing = [null, null, null, null, null, null]
    return [wq ? parts[0]! : null, wk ? parts[1]! : null, wv ? parts[2]! : null, ...nothing]
  },
  onnx: ([q, k, v, ...places], attrs, context, node) => {
    const { heads, kvHeads, scale, window } = attrs
    const [rows, length] = node.inputs[0]!.shape
    const keys = node.inputs[1]!.shape[1]!
    const layout = new Layout(attrs, context, node.inputs[0]!, node.inputs[1]!)
    const { mask, seen } = sight(
      places.slice(0, 3) as unknown as Places,
      places.slice(3) as unknown as Places,
      window,
      context,
    )
    const scores = product(context, layout.queries(q!), layout.keys(k!), 0, 1, scale)
    const split = context.op('Reshape', [
      scores,
      context.shape([rows!, kvHeads, length!, heads / kvHeads, keys]),
    ])
    const masked = context.op('Add', [split, mask])
    const probabilities = context.op('Reshape', [
      context.op('Softmax', [masked], { axis: -1 }),
      context.shape([rows!, kvHeads, -1, keys]),
    ])
    // The gradient op reads these instead of the log-sum-exp: ONNX Runtime has no kernel that would use it.
    context.keep(node, 'probabilities', probabilities)
    context.keep(node, 'seen', seen)
    const mixed = product(context, probabilities, layout.keys(v!), 0, 0)
    return [context.op('Mul', [layout.fromQueries(mixed), seen]), '']
  },
  evaluate: ([q, k, v, ...places], attrs) => {
    const { heads, headDim } = attrs
    const out = new Float64Array(q!.data.length)
    const lse = new Float64Array(q!.data.length / headDim)
    eachQuery(q!, k!, places, attrs, ({ at, visible, probability, total }) => {
      lse[at / headDim] = total
      visible.forEach((key, n) => {
        for (let i = 0; i < headDim; i++) out[at + i]! += probability[n]! * v!.data[key + i]!
      })
    })
    return [tensor(out, q!.shape), tensor(lse, [...q!.shape.slice(0, -1), heads])]
  },
}

/**
 * q [rows, queries, heads * d], k and v [rows, keys, kvHeads * d] -> [rows, queries, heads * d]. The second
 * output of the op, the log-sum-exp per query and head, is what a fused gradient needs.
 */
export function attention(
  q: Value,
  k: Value,
  v: Value,
  queries: Place,
  keys: Place,
  attrs: AttentionAttrs,
): Value {
  const places = [queries.segment, queries.branch, queries.position, keys.segment, keys.branch, keys.position]
  return apply(attentionOp, [q, k, v, ...places], attrs)[0]!
}

const attentionGradOp: Op<AttentionAttrs> = {
  name: 'attention-grad',
  shape: (inputs) => inputs.slice(3, 6),
  grad: null,
  onnx: ([g, out, , q, k, v], attrs, context, node) => {
    const forward = node.inputs[2]!.node
    const [qv, kv] = [node.inputs[3]!, node.inputs[4]!]
    const layout = new Layout(attrs, context, qv, kv)
    const probabilities = context.kept(forward, 'probabilities')
    const seen = context.op('Mul', [g!, context.kept(forward, 'seen')])
    const dOut = layout.queries(seen)
    const along = context.op(
      'ReduceSum',
      [context.op('Mul', [dOut, layout.queries(out!)]), context.i64([-1])],
      { keepdims: 1 },
    )
    const dP = product(context, dOut, layout.keys(v!), 0, 1)
    const dS = context.op('Mul', [probabilities, context.op('Sub', [dP, along])])
    return [
      layout.fromQueries(product(context, dS, layout.keys(k!), 0, 0, attrs.scale)),
      layout.fromKeys(product(context, dS, layout.queries(q!), 1, 0, attrs.scale)),
      layout.fromKeys(product(context, probabilities, dOut, 1, 0)),
    ]
  },
  evaluate: ([g, out, , q, k, v, ...places], attrs) => {
    const { headDim, scale } = attrs
    const [dq, dk, dv] = [zeros(q!.shape), zeros(k!.shape), zeros(v!.shape)]
    eachQuery(q!, k!, places, attrs, ({ at, visible, probability }) => {
      let along = 0
      for (let i = 0; i < headDim; i++) along += g!.data[at + i]! * out!.data[at + i]!
      visible.forEach((key, n) => {
        let dp = 0
        for (let i = 0; i < headDim; i++) dp += g!.data[at + i]! * v!.data[key + i]!
        const ds = probability[n]! * (dp - along) * scale
        for (let i = 0; i < headDim; i++) {
          dq.data[at + i]! += ds * k!.data[key + i]!
          dk.data[key + i]! += ds * q!.data[at + i]!
          dv.data[key + i]! += probability[n]! * g!.data[at + i]!
        }
      })
    })
    return [dq, dk, dv]
  },
}

interface QuerySight {
  /** Offset of the query's head in q. */
  readonly at: number
  /** Offsets of the key heads it sees, in k and v. */
  readonly visible: readonly number[]
  readonly probability: readonly number[]
  /** Log-sum-exp of its scores. */
  readonly total: number
}

/** Walks every query head in the oracle, applying the rule of sight as written above. */
export function eachQuery(
  q: Tensor,
  k: Tensor,
  places: readonly Tensor[],
  attrs: AttentionAttrs,
  visit: (query: QuerySight) => void,
): void {
  const { heads, kvHeads, headDim, scale, window } = attrs
  const [rows, length] = q.shape as [number, number, number]
  const keys = k.shape[1]!
  const [qs, qb, qp, ks, kb, kp] = places.map((place) => place.data) as [Float64Array, ...Float64Array[]]
  const sees = (i: number, j: number): boolean =>
    qs[i] === ks![j] &&
    ks![j]! >= 0 &&
    (kb![j] === 0 || kb![j] === qb![i]) &&
    kp![j]! <= qp![i]! &&
    (window === 0 || kp![j]! > qp![i]! - window)
  for (let i = 0; i < rows * length; i++) {
    const row = Math.floor(i / length)
    const seen = Array.from({ length: keys }, (_, j) => row * keys + j).filter((j) => sees(i, j))
    for (let h = 0; h < heads && seen.length > 0; h++) {
      const at = (i * heads + h) * headDim
      const visible = seen.map((j) => (j * kvHeads + Math.floor((h * kvHeads) / heads)) * headDim)
      const scores = visible.map((key) => {
        let s = 0
        for (let d = 0; d < headDim; d++) s += q.data[at + d]! * k.data[key + d]!
        return s * scale
      })
      const top = Math.max(...scores)
      const total = top + Math.log(scores.reduce((sum, s) => sum + Math.exp(s - top), 0))
      visit({ at, visible, probability: scores.map((s) => Math.exp(s - total)), total })
    }
  }
}
