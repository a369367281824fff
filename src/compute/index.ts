/** @file `medtune/compute`: the graph, its ops, autodiff, programs and the oracle. */

export { type Bindings, evaluate } from './evaluate.ts'
export {
  type CompiledProgram,
  type Dims,
  type Executor,
  ExecutorError,
  type ExecutorErrorKind,
  type Feeds,
  type Optimizer,
  type OptimizerSpec,
  type TrainedTensor,
  type UpdateScalars,
} from './executor.ts'
export { grad, gradientsOnTheWay } from './grad.ts'
export type {
  Attrs,
  Dim,
  DimName,
  DType,
  Node,
  Op,
  ParameterInit,
  ParameterSpec,
  Program,
  Shape,
  Tensor,
  Value,
  ValueType,
} from './graph.ts'
export { initialValues } from './init.ts'
export { after } from './ops/after.ts'
export { type AttentionAttrs, attention, type Place } from './ops/attention.ts'
export { cachedAttention, splitHeads } from './ops/cached-attention.ts'
export { mulColumns } from './ops/columns.ts'
export { add, dropout, mul, mulScalar, scale, sum } from './ops/elementwise.ts'
export { embed } from './ops/embed.ts'
export { geglu, swiglu } from './ops/gated.ts'
export { headLoss } from './ops/head-loss.ts'
export { constant, input, parameter, weight } from './ops/leaf.ts'
export { linear } from './ops/linear.ts'
export { rmsnorm } from './ops/rmsnorm.ts'
export { rope } from './ops/rope.ts'
export { inverseRowNorm } from './ops/row-norm.ts'
export { takeRows } from './ops/take-rows.ts'
export { type PrepareOptions, prepareParameters } from './prepare.ts'
export { print } from './print.ts'
export { parametersOf, program } from './program.ts'
export { type Recompute, recompute } from './recompute.ts'
