/** @file Shape checks shared by the ops, and the flat view [count, width] that most of them evaluate on. */
import type { Dim, Shape, Tensor, ValueType } from './graph.ts'

export function sameShape(op: string, a: ValueType, b: ValueType): Shape {
  if (a.shape.length !== b.shape.length || a.shape.some((dim, i) => dim !== b.shape[i])) {
    throw new Error(`${op}: shapes [${a.shape}] and [${b.shape}] differ`)
  }
  return a.shape
}

/** The last dim of a value, which must be a known number. */
export function width(op: string, value: ValueType): number {
  const last = value.shape[value.shape.length - 1]
  if (typeof last !== 'number') throw new Error(`${op}: the last dim of [${value.shape}] must be a number`)
  return last
}

/** The shape with its last dim replaced. */
export function withWidth(shape: Shape, last: Dim): Shape {
  return [...shape.slice(0, -1), last]
}

export function matrix(op: string, value: ValueType): readonly [number, number] {
  const [rows, columns] = value.shape
  if (value.shape.length !== 2 || typeof rows !== 'number' || typeof columns !== 'number') {
    throw new Error(`${op}: expected a matrix of known size, found [${value.shape}]`)
  }
  return [rows, columns]
}

export function tensor(data: Float64Array, shape: readonly number[]): Tensor {
  return { data, shape }
}

export function zeros(shape: readonly number[]): Tensor {
  return tensor(new Float64Array(shape.reduce((a, b) => a * b, 1)), shape)
}

export function mapTensor(a: Tensor, f: (x: number, i: number) => number): Tensor {
  return tensor(a.data.map(f), a.shape)
}

/** Number of rows when all but the last dim are flattened. */
export function rowsOf(a: Tensor): number {
  return a.data.length / a.shape[a.shape.length - 1]!
}
