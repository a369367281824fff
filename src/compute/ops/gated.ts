/** @file Gated activations: geglu(gate, up) = gelu_tanh(gate) * up, swiglu(gate, up) = silu(gate) * up. */
import { apply, apply1, type Op, type Value } from '../graph.ts'
import type { Name, OnnxContext } from '../onnx/rule.ts'
import { mapTensor, sameShape } from '../shapes.ts'

type None = Readonly<Record<string, never>>

/**
 * Both activations are z * s(r(z)) with s the logistic function: gelu_tanh with r = 2 sqrt(2/pi) (z + 0.044715 z^3),
 * since (1 + tanh(u)) / 2 = s(2u); silu with r = z. So one pair of ops serves both, told apart by r.
 */
interface Activation {
  readonly name: string
  r(z: number): number
  /** z * r'(z) */
  slope(z: number): number
  /** The activation itself, and for the gradient s(r) and z r'(z). */
  onnx(z: Name, context: OnnxContext): Name
  parts(z: Name, context: OnnxContext): { readonly s: Name; readonly slope: Name }
}

const K0 = 2 * Math.sqrt(2 / Math.PI)
const K1 = K0 * 0.044715

const geluTanh: Activation = {
  name: 'geglu',
  r: (z) => z * (K0 + K1 * z * z),
  slope: (z) => z * (K0 + 3 * K1 * z * z),
  onnx: (z, context) => context.op('com.microsoft:FastGelu', [z]),
  parts: (z, context) => {
    const square = context.op('Mul', [z, z])
    const along = (k: number) =>
      context.op('Mul', [
        z,
        context.op('Add', [context.op('Mul', [square, context.f32(k)]), context.f32(K0)]),
      ])
    return { s: context.op('Sigmoid', [along(K1)]), slope: along(3 * K1) }
  },
}

const silu: Activation = {
  name: 'swiglu',
  r: (z) => z,
  slope: (z) => z,
  onnx: (z, context) => context.op('com.microsoft:QuickGelu', [z], { alpha: { float: 1 } }),
  parts: (z, context) => ({ s: context.op('Sigmoid', [z]), slope: z }),
}

const logistic = (r: number): number => 1 / (1 + Math.exp(-r))

function gatedOp(activation: Activation): Op<None> {
  const { name, r, slope } = activation
  const gradOp: Op<None> = {
    name: `${name}-grad`,
    shape: ([g]) => [g!, g!],
    grad: null,
    onnx: ([g, gate, up], _attrs, context) => {
      // d/dz z s(r) = s (1 + (1 - s) z r')
      const { s, slope } = activation.parts(gate!, context)
      const rest = context.op('Mul', [context.op('Sub', [context.f32(1), s]), slope])
      const derivative = context.op('Mul', [s, context.op('Add', [rest, context.f32(1)])])
      const dGate = context.op('Mul', [context.op('Mul', [g!, up!]), derivative])
      return [dGate, context.op('Mul', [g!, context.op('Mul', [gate!, s])])]
    },
    evaluate: ([g, gate, up]) => {
      const derivative = (z: number) => logistic(r(z)) * (1 + (1 - logistic(r(z))) * slope(z))
      return [
        mapTensor(g!, (v, i) => v * up!.data[i]! * derivative(gate!.data[i]!)),
        mapTensor(g!, (v, i) => v * gate!.data[i]! * logistic(r(gate!.data[i]!))),
      ]
    },
  }
  return {
    name,
    shape: ([gate, up]) => [{ dtype: 'f32', shape: sameShape(name, gate!, up!) }],
    grad: ([g], { inputs: [gate, up] }, wanted) => {
      const parts = apply(gradOp, [g!, gate!, up!], {})
      return wanted.map((w, i) => (w ? parts[i]! : null))
    },
    onnx: ([gate, up], _attrs, context) => [context.op('Mul', [activation.onnx(gate!, context), up!])],
    evaluate: ([gate, up]) => [mapTensor(gate!, (z, i) => z * logistic(r(z)) * up!.data[i]!)],
  }
}

export const gegluOp = gatedOp(geluTanh)
/** gelu_tanh(gate) * up, the gate of Gemma. */
export const geglu = (gate: Value, up: Value): Value => apply1(gegluOp, [gate, up], {})

export const swigluOp = gatedOp(silu)
/** silu(gate) * up, the gate of Llama. */
export const swiglu = (gate: Value, up: Value): Value => apply1(swigluOp, [gate, up], {})
