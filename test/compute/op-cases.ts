/** @file One row an op: how to build it and what to feed. The gradient, executor and shape tests all walk this table. */
import {
  add,
  after,
  attention,
  type DType,
  dropout,
  embed,
  geglu,
  headLoss,
  input,
  inverseRowNorm,
  linear,
  mul,
  mulColumns,
  mulScalar,
  rmsnorm,
  rope,
  type Shape,
  scale,
  sum,
  swiglu,
  type Tensor,
  takeRows,
  type Value,
} from '../../src/compute/index.ts'
import { linearInputGrad, linearWeightGrad } from '../../src/compute/ops/linear.ts'
import { uniform } from '../../src/util/random.ts'

export const ROWS = 2
export const LENGTH = 128
const DIMS: Readonly<Record<string, number>> = { rows: ROWS, length: LENGTH, labels: 128 }

export interface Fed {
  readonly name: string
  readonly value: Value
  readonly data: Float32Array | Int32Array | Uint8Array
  /** Whether central differences are taken for it. */
  readonly differentiable: boolean
}

export interface OpCase {
  readonly name: string
  readonly inputs: readonly Fed[]
  readonly outputs: readonly Value[]
}

export function sizes(shape: Shape): number[] {
  return shape.map((dim) => (typeof dim === 'number' ? dim : DIMS[dim]!))
}

export function bind({ value, data }: Fed): [Value, Tensor] {
  return [value, { data: Float64Array.from(data), shape: sizes(value.shape) }]
}

let seed = 0
function reals(name: string, shape: Shape, spread = 1): Fed {
  const stream = ++seed
  const count = sizes(shape).reduce((a, b) => a * b, 1)
  const data = Float32Array.from({ length: count }, (_, i) => (uniform(7, stream, i) * 2 - 1) * spread)
  return { name, value: input(name, 'f32', shape), data, differentiable: true }
}
function ints(name: string, shape: Shape, of: (i: number) => number, dtype: DType = 'i32'): Fed {
  const count = sizes(shape).reduce((a, b) => a * b, 1)
  const values = Array.from({ length: count }, (_, i) => of(i))
  const data = dtype === 'u8' ? Uint8Array.from(values) : Int32Array.from(values)
  return { name, value: input(name, dtype, shape), data, differentiable: false }
}

const grid = ['rows', 'length'] as const

function unary(name: string, shape: Shape, build: (x: Value) => Value): OpCase {
  const x = reals('x', shape)
  return { name, inputs: [x], outputs: [build(x.value)] }
}
function binary(name: string, a: Shape, b: Shape, build: (a: Value, b: Value) => Value): OpCase {
  const [x, y] = [reals('a', a), reals('b', b)]
  return { name, inputs: [x, y], outputs: [build(x.value, y.value)] }
}

/** Two packed documents, a shared prefix with two branches, and padding: every clause of the rule of sight. */
function places() {
  const at = (i: number) => i % LENGTH
  const segment = ints('segment', grid, (i) => (at(i) < 5 ? 0 : at(i) < 14 ? 1 : at(i) < 20 ? 2 : -1))
  const branch = ints('branch', grid, (i) => (at(i) < 8 || at(i) >= 14 ? 0 : at(i) < 11 ? 1 : 2))
  const starts = [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 3, 4, 5, 0, 1, 2, 3, 4, 5]
  const position = ints('position', grid, (i) => starts[at(i)] ?? 0)
  return { segment, branch, position }
}

function attentionCase(name: string, heads: number, kvHeads: number, window: number): OpCase {
  const headDim = 4
  const [q, k, v] = [
    reals('q', [...grid, heads * headDim]),
    reals('k', [...grid, kvHeads * headDim]),
    reals('v', [...grid, kvHeads * headDim]),
  ]
  const { segment, branch, position } = places()
  const place = { segment: segment.value, branch: branch.value, position: position.value }
  const out = attention(q.value, k.value, v.value, place, place, {
    heads,
    kvHeads,
    headDim,
    scale: 0.5,
    window,
  })
  return { name, inputs: [q, k, v, segment, branch, position], outputs: [out] }
}

function headLossCase(name: string, vocab: number): OpCase {
  const h = reals('h', ['labels', 6])
  const E = reals('E', [vocab, 6])
  const id = ints('id', ['labels'], (i) => (i * 37) % vocab)
  const weight: Fed = { ...reals('weight', ['labels']), differentiable: false }
  const { loss, logProb } = headLoss(h.value, E.value, id.value, weight.value, { chunk: 64 })
  return { name, inputs: [h, E, id, weight], outputs: [loss, logProb] }
}

/** Without gradient by design. */
function rowNormCase(): OpCase {
  const inputs = [reals('w', [7, 6]), reals('b', [7, 2]), reals('a', [2, 6])].map((fed) => ({
    ...fed,
    differentiable: false,
  }))
  const [w, b, a] = inputs.map(({ value }) => value) as [Value, Value, Value]
  return { name: 'inverse-row-norm', inputs, outputs: [inverseRowNorm(w, b, a, 1.5)] }
}

export function opCases(): OpCase[] {
  const ids = ints('ids', grid, (i) => (i * 5) % 11)
  const table = reals('table', [11, 6])
  const position = ints('position', grid, (i) => (i * 3) % LENGTH)
  const turned = reals('x', [...grid, 16])
  const mask = ints('mask', [...grid, 6], (i) => (i % 3 === 0 ? 0 : 1), 'u8')
  const dropped = reals('x', [...grid, 6])
  // Some slots stand twice: their gradients must add up, as padding's zeros do onto slot 0.
  const slots = ints('slots', ['labels'], (i) => ((i % 90) * 7) % (ROWS * LENGTH - 9))
  const taken = reals('x', [...grid, 6])
  const first = { ...reals('first', [...grid, 6]), differentiable: false }
  return [
    binary('add', [...grid, 6], [...grid, 6], add),
    binary('mul', [...grid, 6], [...grid, 6], mul),
    unary('scale', [...grid, 6], (x) => scale(x, -1.7)),
    binary('mul-scalar', [...grid, 6], [], mulScalar),
    unary('sum', [...grid, 6], sum),
    { name: 'after', inputs: [taken, first], outputs: [after(taken.value, first.value)] },
    { name: 'dropout', inputs: [dropped, mask], outputs: [dropout(dropped.value, mask.value, { p: 0.3 })] },
    binary('linear', [...grid, 6], [5, 6], linear),
    binary('linear-input-grad', [...grid, 5], [5, 6], linearInputGrad),
    binary('linear-weight-grad', [...grid, 6], [...grid, 5], linearWeightGrad),
    { name: 'embed', inputs: [ids, table], outputs: [embed(ids.value, table.value, 2.5)] },
    { name: 'take-rows', inputs: [taken, slots], outputs: [takeRows(taken.value, slots.value)] },
    binary('rmsnorm', [...grid, 6], [6], (x, w) => rmsnorm(x, w, { eps: 1e-6, offset: 1 })),
    binary('rmsnorm per head', [...grid, 12], [4], (x, w) => rmsnorm(x, w, { eps: 1e-6, offset: 0 })),
    {
      name: 'rope',
      inputs: [turned, position],
      outputs: [rope(turned.value, position.value, { headDim: 8, frequencies: [0.5, 0.05, 0.005, 0.0005] })],
    },
    attentionCase('attention', 2, 1, 0),
    attentionCase('attention, window of 3', 2, 1, 3),
    attentionCase('attention, two key heads', 4, 2, 4),
    binary('geglu', [...grid, 6], [...grid, 6], geglu),
    binary('mul-columns', [...grid, 6], [6], mulColumns),
    rowNormCase(),
    binary('swiglu', [...grid, 6], [...grid, 6], swiglu),
    headLossCase('head-loss', 13),
  ]
}

/** Too large for central differences: the same op cut into a Scan, for the executor against the oracle. */
export const scannedHead = (): OpCase => headLossCase('head-loss in a Scan', 8200)
