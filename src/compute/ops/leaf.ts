/** @file Where values come from: fed inputs, trainable parameters, frozen slices of a weight file, constants. */
import { apply1, type DType, type Op, type ParameterSpec, type Shape, type Value } from '../graph.ts'
import { tensor } from '../shapes.ts'

type InputAttrs = { readonly name: string; readonly dtype: DType; readonly shape: Shape }
const given = (what: string) => (): never => {
  throw new Error(`${what} has no value of its own: the executor or the caller supplies it`)
}

export const inputOp: Op<InputAttrs> = {
  name: 'input',
  shape: (_, { dtype, shape }) => [{ dtype, shape }],
  grad: null,
  onnx: given('an input'),
  evaluate: given('an input'),
}
/** A tensor fed at each run. */
export function input(name: string, dtype: DType, shape: Shape): Value {
  return apply1(inputOp, [], { name, dtype, shape })
}

type ParameterAttrs = { readonly spec: ParameterSpec }
export const parameterOp: Op<ParameterAttrs> = {
  name: 'parameter',
  shape: (_, { spec }) => [{ dtype: 'f32', shape: spec.shape }],
  grad: null,
  onnx: given('a parameter'),
  evaluate: given('a parameter'),
}
/** A trainable tensor, owned by the executor; its master copy is f32. */
export function parameter(spec: ParameterSpec): Value {
  return apply1(parameterOp, [], { spec })
}

export type WeightAttrs = {
  readonly name: string
  readonly file: string
  readonly offset: number
  readonly dtype: 'f32' | 'f16' | 'bf16'
  readonly shape: readonly number[]
}
export const weightOp: Op<WeightAttrs> = {
  name: 'weight',
  // Whatever it is stored as, the graph computes with it in f32.
  shape: (_, { shape }) => [{ dtype: 'f32', shape }],
  grad: null,
  onnx: given('a weight'),
  evaluate: given('a weight'),
}
/** A frozen tensor read in place from a safetensors file. */
export function weight({ name, file, offset, dtype, shape }: WeightAttrs): Value {
  return apply1(weightOp, [], { name, file, offset, dtype, shape })
}

type ConstantAttrs = { readonly values: readonly number[]; readonly shape: readonly number[] }
export const constantOp: Op<ConstantAttrs> = {
  name: 'constant',
  shape: (_, { shape }) => [{ dtype: 'f32', shape }],
  grad: null,
  onnx: (_, { values, shape }, context) => [context.f32(values, shape)],
  evaluate: (_, { values, shape }) => [tensor(Float64Array.from(values), shape)],
}
export function constant(values: readonly number[], shape: readonly number[]): Value {
  return apply1(constantOp, [], { values, shape })
}

/** Whether a value is the constant 1: the seed of a gradient, which multiplies nothing. */
export function isOne(value: Value): boolean {
  const { values } = value.node.attrs as ConstantAttrs
  return (value.node.op as unknown) === constantOp && values.length === 1 && values[0] === 1
}
