/**
 * @file Lion: every value moves by the learning rate, in the direction of the sign of a mean of gradients. Half of
 * AdamW's state. Decoupled weight decay first, as in the common implementations.
 */
import { definePlugin } from 'medtune/plugin'
import { decays } from './decayed.ts'

export default definePlugin({
  kind: 'optimizer',
  name: 'lion',
  summary: 'Lion: steps of equal size by the sign of the mean gradient; wants a lower rate than AdamW.',
  options: {
    type: 'object',
    properties: {
      lr: { type: 'number', exclusiveMinimum: 0, default: 3e-5, description: 'Peak learning rate.' },
      beta1: {
        type: 'number',
        minimum: 0,
        exclusiveMaximum: 1,
        default: 0.9,
        description: 'Weight of the mean against the gradient in the direction of a step.',
      },
      beta2: {
        type: 'number',
        minimum: 0,
        exclusiveMaximum: 1,
        default: 0.99,
        description: 'Decay of the mean.',
      },
      weight_decay: {
        type: 'number',
        minimum: 0,
        default: 0,
        description: 'Decoupled decay; biases and norms are left out.',
      },
    },
    additionalProperties: false,
  },
  create({ beta1, beta2, weight_decay }) {
    return {
      init: (_name, size) => [new Float32Array(size)],
      update(name, value, gradient, [mean], { lr }) {
        const keep = decays(name) ? 1 - lr * weight_decay : 1
        lion(value, gradient, mean!, { beta1, beta2, keep, lr })
      },
    }
  },
})

interface Factors {
  readonly beta1: number
  readonly beta2: number
  readonly keep: number
  readonly lr: number
}

function lion(
  value: Float32Array,
  gradient: Float32Array,
  mean: Float32Array,
  { beta1, beta2, keep, lr }: Factors,
): void {
  for (let i = 0; i < value.length; i++) {
    const g = gradient[i]!
    const m = mean[i]!
    value[i] = value[i]! * keep - lr * Math.sign(beta1 * m + (1 - beta1) * g)
    mean[i] = beta2 * m + (1 - beta2) * g
  }
}
