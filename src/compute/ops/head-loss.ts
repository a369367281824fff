/**
 * @file The tied head and its cross-entropy in one op, so that logits [labels, V] never exist whole: they are
 * made once, a chunk of labels at a time, and serve the loss, each label's log-probability and both gradients.
 * loss = sum of weight * -log p(label).
 */
import { apply, type Op, type Value } from '../graph.ts'
import type { Name, OnnxContext } from '../onnx/rule.ts'
import { matrix, tensor, width } from '../shapes.ts'
import { mulScalar } from './elementwise.ts'
import { isOne } from './leaf.ts'

/** `chunk`: labels at a time; a vocabulary up to `whole` entries is done in one piece. */
export type HeadLossAttrs = { readonly chunk: number }
const WHOLE_VOCABULARY = 8192

interface Piece {
  readonly logProb: Name
  readonly dh: Name
  readonly dE: Name
}

/** One chunk: h [n, H], id [n], weight [n] against E [V, H]. Only the gradients asked for are written. */
function piece(
  h: Name,
  E: Name,
  id: Name,
  weight: Name,
  wants: { dh: boolean; dE: boolean },
  context: OnnxContext,
): Piece {
  const column = context.op('Unsqueeze', [context.op('Cast', [id], { to: 7 }), context.i64([1])])
  const logits = context.op('Gemm', [h, E], { transB: 1 })
  const top = context.op('ReduceMax', [logits, context.i64([1])], { keepdims: 1 })
  const share = context.op('Unsqueeze', [weight, context.i64([1])])
  const probabilities = context.op('Softmax', [logits], { axis: -1 })
  // The largest probability is 1 / total, with total the sum of exp(logit - top): one pass less over the vocabulary,
  // and one copy of the logits less than by way of the sum.
  const largest = context.op('ReduceMax', [probabilities, context.i64([1])], { keepdims: 1 })
  const label = context.op('Sub', [context.op('GatherElements', [logits, column], { axis: 1 }), top])
  const logProb = context.op('Squeeze', [
    context.op('Add', [label, context.op('Log', [largest])]),
    context.i64([1]),
  ])
  const dh = (): Name => {
    const mean = context.op('Mul', [context.op('Gemm', [probabilities, E]), share])
    const own = context.op('Mul', [context.op('Gather', [E, id], { axis: 0 }), share])
    return context.op('Sub', [mean, own])
  }
  const dE = (): Name => {
    const mean = context.op('Gemm', [probabilities, context.op('Mul', [h, share])], { transA: 1 })
    const own = context.op('Neg', [context.op('Mul', [h, share])])
    return context.op('ScatterND', [mean, column, own], { reduction: 'add' })
  }
  return { logProb, dh: wants.dh ? dh() : '', dE: wants.dE ? dE() : '' }
}

export const headLossOp: Op<HeadLossAttrs> = {
  name: 'head-loss',
  shape: ([h, E, id, weight]) => {
    const [vocab, hidden] = matrix('head-loss', E!)
    if (width('head-loss', h!) !== hidden)
      throw new Error(`head-loss: [${h!.shape}] by [${E!.shape}] do not fit`)
    const labels = h!.shape[0]!
    if (id!.shape[0] !== labels || weight!.shape[0] !== labels) {
      throw new Error(
        `head-loss: ids [${id!.shape}] and weights [${weight!.shape}] are not one a row of [${h!.shape}]`,
      )
    }
    return [
      { dtype: 'f32', shape: [] },
      { dtype: 'f32', shape: [labels] },
      { dtype: 'f32', shape: h!.shape },
      { dtype: 'f32', shape: [vocab, hidden] },
    ]
  },
  grad: ([dLoss, dLogProb], node, [wh, wE]) => {
    if (dLogProb)
      throw new Error(
        'head-loss: no gradient flows through the log-probabilities; use the loss and its weights',
      )
    const scaled = (value: Value): Value => (isOne(dLoss!) ? value : mulScalar(value, dLoss!))
    return [wh ? scaled(node.outputs[2]!) : null, wE ? scaled(node.outputs[3]!) : null, null, null]
  },
  onnx: ([h, E, id, weight], { chunk }, context, node) => {
    const [vocab, hidden] = matrix('head-loss', node.inputs[1]!)
    const wants = { dh: context.used(node, 2), dE: context.used(node, 3) }
    const lossOf = (logProb: Name) =>
      context.op('Neg', [context.op('ReduceSum', [context.op('Mul', [logProb, weight!])], { keepdims: 0 })])
    if (vocab <= WHOLE_VOCABULARY) {
      const { logProb, dh, dE } = piece(h!, E!, id!, weight!, wants, context)
      return [lossOf(logProb), logProb, dh, dE]
    }
    const cut = (x: Name, rest: readonly number[]) =>
      context.op('Reshape', [x, context.i64([-1, chunk, ...rest])])
    const sequences = [
      { name: cut(h!, [hidden]), type: 'f32' as const, shape: [chunk, hidden] },
      { name: cut(id!, []), type: 'i32' as const, shape: [chunk] },
      { name: cut(weight!, []), type: 'f32' as const, shape: [chunk] },
    ]
    const none = () => context.op('Expand', [context.f32(0, [1, 1]), context.i64([vocab, hidden])])
    const state = wants.dE ? [{ name: none(), shape: [vocab, hidden] }] : []
    const outputs = [{ shape: [chunk] }, ...(wants.dh ? [{ shape: [chunk, hidden] }] : [])]
    const results = context.scan('head', state, sequences, outputs, (body, [sum], [hc, idc, weightc]) => {
      const { logProb, dh, dE } = piece(hc!, E!, idc!, weightc!, wants, body)
      return {
        state: wants.dE ? [body.op('Add', [sum!, dE])] : [],
        outputs: wants.dh ? [logProb, dh] : [logProb],
      }
    })
    const [logProbs, dhs] = results.slice(state.length)
    const logProb = context.op('Reshape', [logProbs!, context.i64([-1])])
    const dh = dhs === undefined ? '' : context.op('Reshape', [dhs, context.i64([-1, hidden])])
    return [lossOf(logProb), logProb, dh, wants.dE ? results[0]! : '']
  },
  evaluate: ([h, E, id, weight]) => {
    const [vocab, hidden] = E!.shape as [number, number]
    const logProb = new Float64Array(id!.data.length)
    const dh = new Float64Array(h!.data.length)
    const dE = new Float64Array(E!.data.length)
    let loss = 0
    id!.data.forEach((label, n) => {
      const logits = Array.from({ length: vocab }, (_, v) => {
        let s = 0
        for (let i = 0; i < hidden; i++) s += h!.data[n * hidden + i]! * E!.data[v * hidden + i]!
        return s
      })
      const top = logits.reduce((a, b) => Math.max(a, b))
      const total = top + Math.log(logits.reduce((sum, l) => sum + Math.exp(l - top), 0))
      logProb[n] = logits[label]! - total
      loss -= weight!.data[n]! * logProb[n]!
      logits.forEach((l, v) => {
        const d = weight!.data[n]! * (Math.exp(l - total) - (v === label ? 1 : 0))
        for (let i = 0; i < hidden; i++) {
          dh[n * hidden + i]! += d * E!.data[v * hidden + i]!
          dE[v * hidden + i]! += d * h!.data[n * hidden + i]!
        }
      })
    })
    return [
      tensor(Float64Array.of(loss), []),
      tensor(logProb, [id!.data.length]),
      tensor(dh, h!.shape),
      tensor(dE, E!.shape),
    ]
  },
}

/** h [labels, H], E [V, H], ids [labels] i32, weights [labels] -> loss [] and log-probability of each label. */
export function headLoss(
  h: Value,
  E: Value,
  labelId: Value,
  labelWeight: Value,
  attrs: HeadLossAttrs = { chunk: 128 },
): { readonly loss: Value; readonly logProb: Value } {
  const [loss, logProb] = apply(headLossOp, [h, E, labelId, labelWeight], attrs)
  return { loss: loss!, logProb: logProb! }
}
