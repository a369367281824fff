import { expect, test } from 'vitest'
import adamw from '../../../plugins/optimizer/adamw.ts'
import type { Optimizer } from '../../../src/plugin/contract.ts'

const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }
const make = (options: Partial<Record<'beta1' | 'beta2' | 'eps' | 'weight_decay', number>> = {}): Optimizer =>
  adamw.create(
    { lr: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0, ...options },
    context,
  ) as Optimizer

test('one step of PyTorch: p 1, g 0.5, lr 0.1, decay 0.01 gives 0.899', () => {
  const optimizer = make({ weight_decay: 0.01 })
  const value = Float32Array.of(1)
  optimizer.update('w', value, Float32Array.of(0.5), optimizer.init('w', 1, [1]), { step: 1, lr: 0.1 })
  expect(value[0]).toBeCloseTo(0.899, 6)
})

test('fifty steps follow the formula in float64', () => {
  const settings = { beta1: 0.8, beta2: 0.95, eps: 1e-6, weight_decay: 0.1 }
  const optimizer = make(settings)
  const value = Float32Array.of(0.5, -2, 3, 1e-3)
  const state = optimizer.init('w', 4, [4])
  const p = Float64Array.from(value)
  const m = new Float64Array(4)
  const v = new Float64Array(4)
  for (let step = 1; step <= 50; step++) {
    const lr = 0.02 * (1 - step / 60)
    const g = Float32Array.from(p, (x, i) => Math.sin(step * (i + 1)) + 0.1 * x)
    optimizer.update('w', value, g, state, { step, lr })
    for (let i = 0; i < 4; i++) {
      p[i]! *= 1 - lr * settings.weight_decay
      m[i] = settings.beta1 * m[i]! + (1 - settings.beta1) * g[i]!
      v[i] = settings.beta2 * v[i]! + (1 - settings.beta2) * g[i]! ** 2
      const denominator = Math.sqrt(v[i]!) / Math.sqrt(1 - settings.beta2 ** step) + settings.eps
      p[i]! -= ((lr / (1 - settings.beta1 ** step)) * m[i]!) / denominator
    }
  }
  for (let i = 0; i < 4; i++) expect(Math.abs(value[i]! - p[i]!)).toBeLessThan(1e-5)
})

test('biases and norms do not decay, adapters and projections do', () => {
  const optimizer = make({ weight_decay: 0.5 })
  const decayed = (name: string): number => {
    const value = Float32Array.of(1)
    optimizer.update(name, value, Float32Array.of(0), optimizer.init(name, 1, [1]), { step: 1, lr: 0.1 })
    return value[0]!
  }
  const kept = ['a.bias', 'model.norm.weight', 'model.layers.0.input_layernorm.weight', 'x.q_norm.weight']
  for (const name of kept) expect(decayed(name)).toBe(1)
  for (const name of ['x.lora_A.weight', 'model.layers.0.mlp.up_proj.weight', 'abnormal.weight']) {
    expect(decayed(name)).toBeCloseTo(0.95, 6)
  }
})
