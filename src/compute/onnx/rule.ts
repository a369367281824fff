/** @file What an op may ask of the ONNX lowering while it writes itself down. */
import type { Dim, Node, Value } from '../graph.ts'

/** Name of a tensor in the ONNX graph. Values of shape [rows, length, ...rest] are held as [rows * length, ...rest]. */
export type Name = string

export type OnnxAttr =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly graph: OnnxBody }

/** The body of a Scan: its own nodes, with names of the enclosing graph in reach. */
export interface OnnxBody {
  readonly name: string
  readonly nodes: readonly OnnxNode[]
  readonly constants: readonly OnnxConstant[]
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
}

export interface OnnxPort {
  readonly name: Name
  readonly type: 'f32' | 'f16' | 'bf16' | 'i32' | 'i64' | 'u8' | 'bool'
  readonly shape: readonly (number | string)[]
}

export interface OnnxNode {
  readonly type: string
  readonly domain: string
  readonly inputs: readonly Name[]
  readonly outputs: readonly Name[]
  readonly attrs: Readonly<Record<string, OnnxAttr>>
}

export interface OnnxConstant {
  readonly name: Name
  readonly type: 'f32' | 'i64' | 'i32' | 'bool'
  readonly shape: readonly number[]
  readonly bytes: Uint8Array
}

export interface OnnxContext {
  /** Adds a node with one output. `type` may carry a domain: `com.microsoft:FusedMatMul`. Inputs may be '' (left out). */
  op(type: string, inputs: readonly Name[], attrs?: Readonly<Record<string, OnnxAttr>>): Name
  /** Adds a node with several outputs. */
  ops(
    type: string,
    inputs: readonly Name[],
    outputs: number,
    attrs?: Readonly<Record<string, OnnxAttr>>,
  ): readonly Name[]
  f32(values: readonly number[] | number, shape?: readonly number[]): Name
  i64(values: readonly number[] | number, shape?: readonly number[]): Name
  /** Builds something that several ops share (a mask, a RoPE table) once a program. */
  once(key: string, build: () => Name): Name
  /** Keeps a by-product of a node (the attention's probabilities) for its gradient op. */
  keep(node: Node, what: string, name: Name): void
  kept(node: Node, what: string): Name
  /** An int64 shape tensor of numbers and named dims; at most one -1. */
  shape(dims: readonly Dim[]): Name
  /** The ONNX name of a value, for keys of `once`. */
  name(value: Value): Name
  /** Which outputs of the node anything uses. */
  used(node: Node, index: number): boolean
  /** A Scan over the first axis of `sequences`; `build` writes the body. Names of the enclosing graph stay in reach. */
  scan(
    name: string,
    state: readonly { readonly name: Name; readonly shape: readonly (number | string)[] }[],
    sequences: readonly {
      readonly name: Name
      readonly type: OnnxPort['type']
      readonly shape: readonly (number | string)[]
    }[],
    outputs: readonly { readonly shape: readonly (number | string)[] }[],
    build: (
      context: OnnxContext,
      state: readonly Name[],
      slices: readonly Name[],
    ) => { readonly state: readonly Name[]; readonly outputs: readonly Name[] },
  ): readonly Name[]
}

/** Writes one node: names of its inputs in, names of its outputs out ('' for one that nothing uses). */
export type OnnxRule<A> = (
  inputs: readonly Name[],
  attrs: A,
  context: OnnxContext,
  node: Node,
) => readonly Name[]
