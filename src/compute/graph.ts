/**
 * @file The tensor graph: frozen nodes, each one application of an op, and values that name a node's
 * output. The core knows no model, no recipe and no executor; an op carries all that is known of it.
 */
import type { OnnxRule } from './onnx/rule.ts'

/** f64 exists only inside the oracle, which computes everything in it. */
export type DType = 'f32' | 'f16' | 'bf16' | 'i32' | 'u8'

/** Sizes known only when a batch is at hand. One program serves them all. */
export type DimName = 'rows' | 'length' | 'labels' | 'past' | 'keys'
export type Dim = number | DimName
export type Shape = readonly Dim[]

export interface ValueType {
  readonly dtype: DType
  readonly shape: Shape
}

export type Attrs = Readonly<Record<string, unknown>>

/** One application of an op. Identity is by reference; nothing merges by structure. */
export interface Node {
  readonly op: Op
  readonly inputs: readonly Value[]
  readonly attrs: Attrs
  readonly outputs: readonly Value[]
}

/** One output of a node. */
export interface Value extends ValueType {
  readonly node: Node
  readonly index: number
}

/** A plain tensor of the oracle: always float64 (integers too), row-major, with every size known. */
export interface Tensor {
  readonly data: Float64Array
  readonly shape: readonly number[]
}

/** Everything that is known of an operation, in one place. A missing rule does not compile. */
export interface Op<A extends Attrs = Attrs> {
  readonly name: string
  /** Types of the outputs; throws with the shapes in the message when they do not fit. */
  shape(inputs: readonly ValueType[], attrs: A): readonly ValueType[]
  /**
   * Gradient of each input, given those of the outputs (null: nothing flows into that output). `wanted[i]`
   * says whether input i reaches a trainable parameter: build nothing where it does not.
   */
  readonly grad:
    | ((
        gradients: readonly (Value | null)[],
        node: Node,
        wanted: readonly boolean[],
      ) => readonly (Value | null)[])
    | null
  /** How ONNX says it. */
  readonly onnx: OnnxRule<A>
  /** What it means, slowly: the oracle that executors are tested against. */
  evaluate(inputs: readonly Tensor[], attrs: A, node: Node): readonly Tensor[]
}

export function apply<A extends Attrs>(op: Op<A>, inputs: readonly Value[], attrs: A): readonly Value[] {
  const types = op.shape(inputs, attrs)
  const outputs: Value[] = []
  const node: Node = {
    op: op as unknown as Op,
    inputs: Object.freeze([...inputs]),
    attrs: Object.freeze({ ...attrs }),
    outputs,
  }
  types.forEach(({ dtype, shape }, index) => {
    outputs.push(Object.freeze({ node, index, dtype, shape: Object.freeze([...shape]) }))
  })
  Object.freeze(outputs)
  return Object.freeze(node).outputs
}

/** For the many ops with one output. */
export function apply1<A extends Attrs>(op: Op<A>, inputs: readonly Value[], attrs: A): Value {
  return apply(op, inputs, attrs)[0]!
}

/**
 * Nodes that `roots` need, inputs before users, in the order they were first reached. `follow` says which inputs
 * are followed: all of them, if left out.
 */
export function toposort(roots: readonly Value[], follow: (value: Value) => boolean = () => true): Node[] {
  const order: Node[] = []
  const seen = new Set<Node>()
  // An explicit stack: a deep model's backward chain would overflow the call stack.
  const stack: { node: Node; next: number }[] = []
  const push = (node: Node): void => {
    if (seen.has(node)) return
    seen.add(node)
    stack.push({ node, next: 0 })
  }
  for (const root of roots) {
    push(root.node)
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!
      const input = top.node.inputs[top.next++]
      if (input) {
        if (follow(input)) push(input.node)
      } else {
        order.push(top.node)
        stack.pop()
      }
    }
  }
  return order
}

/**
 * How a parameter starts: plain data that means the same on every executor. Random values come from a counter
 * hash of (seed, name, index), or where they must equal PyTorch's, from its generator at a place in its stream.
 */
export type ParameterInit =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'ones' }
  | { readonly kind: 'uniform'; readonly bound: number; readonly seed: number }
  | { readonly kind: 'normal'; readonly std: number; readonly seed: number }
  /** What torch's CPU generator, seeded with `seed`, draws after `skip` draws of 32 bits: uniform in ±bound, or normal. */
  | { readonly kind: 'torch-uniform'; readonly bound: number; readonly seed: number; readonly skip: number }
  | { readonly kind: 'torch-normal'; readonly std: number; readonly seed: number; readonly skip: number }
  | {
      readonly kind: 'weight'
      readonly file: string
      readonly offset: number
      readonly dtype: 'f32' | 'f16' | 'bf16'
    }
  /** A factor of a stored matrix [rows, columns] = Q R: `rank` columns of Q, or rows of R, times `factor`. */
  | {
      readonly kind: 'qr'
      readonly part: 'q' | 'r'
      readonly factor: number
      readonly rank: number
      readonly rows: number
      readonly columns: number
      readonly file: string
      readonly offset: number
      readonly dtype: 'f32' | 'f16' | 'bf16'
    }
  /** A factor of what is nearest to a stored matrix [rows, columns] of its rank, B A = U S V^T, times `factor`: see `singularFactors`. */
  | {
      readonly kind: 'svd'
      readonly part: 'a' | 'b'
      readonly factor: number
      readonly rank: number
      readonly rows: number
      readonly columns: number
      readonly file: string
      readonly offset: number
      readonly dtype: 'f32' | 'f16' | 'bf16'
    }
  /** The norms of the rows of a stored matrix with rows of `width` values. */
  | {
      readonly kind: 'row-norms'
      readonly file: string
      readonly offset: number
      readonly dtype: 'f32' | 'f16' | 'bf16'
      readonly width: number
    }

export interface ParameterSpec {
  readonly name: string
  readonly shape: readonly number[]
  readonly init: ParameterInit
  /** Factor on the learning rate of this parameter; 1 if left out. */
  readonly lrFactor?: number
  /** Keeps its first values: it gets no gradient and no optimizer state. */
  readonly frozen?: boolean
}

/** A graph made ready to run: what goes in, what comes out, and the order in between. */
export interface Program {
  readonly name: string
  /** Fed at each run. */
  readonly inputs: readonly { readonly name: string; readonly value: Value }[]
  /** Returned by each run. */
  readonly outputs: readonly { readonly name: string; readonly value: Value }[]
  /** Trainable leaves that the program reads, and the gradient of each where the program makes one. */
  readonly parameters: readonly (ParameterSpec & { readonly value: Value; readonly gradient: Value | null })[]
  /** Every node, inputs before users: executors that can, run it as written. */
  readonly order: readonly Node[]
  /** Runs many times over few tokens: then reading the weights is what a run costs, and packing them ahead pays. */
  readonly narrow: boolean
}
