/**
 * @file Shapes of everything that a lowered graph computes, for known sizes of its inputs: one rule for each ONNX
 * operator that an op is lowered to. Whole numbers are followed too, since shapes are computed in the graph itself.
 */
import type { OnnxAttr, OnnxNode, OnnxPort } from './rule.ts'

export interface Sized {
  readonly type: OnnxPort['type']
  readonly shape: readonly number[]
  /** The values, where they are whole numbers that a shape may depend on. */
  readonly ints?: readonly number[]
}

type Rule = (inputs: readonly (Sized | undefined)[], attrs: Attrs, outputs: number) => readonly Sized[]
type Attrs = Readonly<Record<string, OnnxAttr>>

const BYTES: Readonly<Record<OnnxPort['type'], number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  i32: 4,
  i64: 8,
  u8: 1,
  bool: 1,
}
/** TensorProto.DataType of the types that are cast to. */
const CAST: Readonly<Record<number, OnnxPort['type']>> = {
  1: 'f32',
  6: 'i32',
  7: 'i64',
  10: 'f16',
  16: 'bf16',
}

export function bytesOf({ type, shape }: Sized): number {
  return BYTES[type] * count(shape)
}

export function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/** Types and shapes of a node's outputs. An operator without a rule counts as one that works element by element. */
export function outputsOf(node: OnnxNode, inputs: readonly (Sized | undefined)[]): readonly Sized[] {
  return (RULES[node.type] ?? elementwise)(inputs, node.attrs, node.outputs.length)
}

const elementwise: Rule = (inputs, _attrs, outputs) => {
  const given = inputs.filter((input) => input !== undefined)
  const shape = given.map((input) => input.shape).reduce(broadcast)
  return Array.from({ length: outputs }, () => ({ type: given[0]!.type, shape }))
}
const comparison: Rule = ([a, b]) => [{ type: 'bool', shape: broadcast(a!.shape, b!.shape) }]
const like: Rule = ([x]) => [{ type: x!.type, shape: x!.shape }]
const int = (attrs: Attrs, name: string, otherwise: number): number =>
  (attrs[name] as number | undefined) ?? otherwise
const ints = (values: readonly number[]): Sized => ({ type: 'i64', shape: [values.length], ints: values })

const reduction: Rule = ([x, axes], attrs) => {
  const reduced = axes?.ints?.map((axis) => from(x!.shape, axis)) ?? x!.shape.map((_, axis) => axis)
  const keep = int(attrs, 'keepdims', 1) === 1
  const shape = x!.shape.flatMap((size, axis) => (!reduced.includes(axis) ? size : keep ? 1 : []))
  return [{ type: x!.type, shape }]
}

const RULES: Readonly<Record<string, Rule>> = {
  And: comparison,
  Or: comparison,
  Equal: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  LessOrEqual: comparison,
  Where: ([condition, a, b]) => [
    { type: a!.type, shape: broadcast(condition!.shape, broadcast(a!.shape, b!.shape)) },
  ],
  Cast: ([x], attrs) => [{ ...x!, type: CAST[attrs.to as number] ?? 'f32' }],
  Shape: ([x], attrs) => [ints(x!.shape.slice(int(attrs, 'start', 0), int(attrs, 'end', x!.shape.length)))],
  Concat: (inputs, attrs) => {
    const parts = inputs.map((input) => input!)
    if (parts.every((part) => part.ints)) return [ints(parts.flatMap((part) => part.ints!))]
    const axis = from(parts[0]!.shape, attrs.axis as number)
    const length = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0)
    return [{ type: parts[0]!.type, shape: parts[0]!.shape.with(axis, length) }]
  },
  Split: ([x, sizes], attrs, outputs) => {
    const axis = from(x!.shape, int(attrs, 'axis', 0))
    const even = Array<number>(outputs).fill(x!.shape[axis]! / outputs)
    return (sizes?.ints ?? even).map((size) => ({ type: x!.type, shape: x!.shape.with(axis, size) }))
  },
  Reshape: ([x, shape]) => [{ ...x!, shape: reshaped(x!.shape, shape!.ints!) }],
  Squeeze: ([x, axes]) => {
    const gone = axes?.ints?.map((axis) => from(x!.shape, axis))
    return [{ ...x!, shape: x!.shape.filter((size, axis) => (gone ? !gone.includes(axis) : size !== 1)) }]
  },
  Unsqueeze: ([x, axes]) => {
    const rank = x!.shape.length + axes!.ints!.length
    const added = axes!.ints!.map((axis) => (axis < 0 ? axis + rank : axis))
    const rest = [...x!.shape]
    return [
      { ...x!, shape: Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : rest.shift()!)) },
    ]
  },
  Range: ([start, limit, step]) => [
    { type: start!.type, shape: [Math.ceil((limit!.ints![0]! - start!.ints![0]!) / step!.ints![0]!)] },
  ],
  Expand: ([x, shape]) => [{ type: x!.type, shape: broadcast(x!.shape, shape!.ints!) }],
  Gather: ([x, index], attrs) => {
    const axis = from(x!.shape, int(attrs, 'axis', 0))
    return [{ type: x!.type, shape: x!.shape.flatMap((size, i) => (i === axis ? index!.shape : [size])) }]
  },
  GatherElements: ([x, index]) => [{ type: x!.type, shape: index!.shape }],
  ScatterND: like,
  Softmax: like,
  RotaryEmbedding: like,
  Transpose: ([x], attrs) => [
    { type: x!.type, shape: (attrs.perm as readonly number[]).map((axis) => x!.shape[axis]!) },
  ],
  Gemm: ([a, b], attrs) => [
    {
      type: a!.type,
      shape: [a!.shape[int(attrs, 'transA', 0)]!, b!.shape[1 - int(attrs, 'transB', 0)]!],
    },
  ],
  FusedMatMul: ([a, b], attrs) => {
    const [rows, columns] = [
      a!.shape.at(-2 + int(attrs, 'transA', 0))!,
      b!.shape.at(-1 - int(attrs, 'transB', 0))!,
    ]
    return [
      { type: a!.type, shape: [...broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2)), rows, columns] },
    ]
  },
  ReduceMax: reduction,
  ReduceMean: reduction,
  ReduceSum: reduction,
  ReduceL2: reduction,
  SimplifiedLayerNormalization: ([x], _attrs, outputs) => {
    const all = [x!, { type: x!.type, shape: [...x!.shape.slice(0, -1), 1] }]
    return all.slice(0, outputs)
  },
}

function from(shape: readonly number[], axis: number): number {
  return axis < 0 ? axis + shape.length : axis
}

/** numpy's rule: shapes align at their ends, and a 1 stretches. */
function broadcast(a: readonly number[], b: readonly number[]): readonly number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1]
    return x === 1 ? y : x
  })
}

/** 0 keeps a size, -1 takes what is left. */
function reshaped(shape: readonly number[], wanted: readonly number[]): readonly number[] {
  const sizes = wanted.map((size, axis) => (size === 0 ? shape[axis]! : size))
  const known = count(sizes.filter((size) => size !== -1))
  return sizes.map((size) => (size === -1 ? count(shape) / known : size))
}
