/** @file Every optimizer against 30 steps of the reference's own (test/reference/optimizers.py). */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Optimizer, Plugin } from '../../../src/plugin/contract.ts'
import { builtIns } from '../../../src/plugin/load.ts'

interface Case {
  readonly use: string
  readonly options: Readonly<Record<string, unknown>>
  /** Of each kept step, of each shape. */
  readonly values: readonly (readonly (readonly number[])[])[]
}
interface Fixture {
  readonly lr: number
  readonly steps: number
  readonly kept: readonly number[]
  readonly shapes: readonly (readonly number[])[]
  readonly cases: readonly Case[]
}
const fixture = new URL('../../fixtures/optimizers.json', import.meta.url)
const { lr, steps, kept, shapes, cases }: Fixture = JSON.parse(readFileSync(fixture, 'utf8'))
const registry = await builtIns()
const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }

/** The optimizer as a recipe makes it: left-out options get their defaults. */
function make(plugin: Plugin<'optimizer'>, options: Readonly<Record<string, unknown>>): Optimizer {
  const properties = Object.entries(plugin.options.properties as Record<string, { default?: unknown }>)
  const defaults = properties.filter(([, option]) => option.default !== undefined)
  const all = { ...Object.fromEntries(defaults.map(([key, option]) => [key, option.default])), ...options }
  return plugin.create(all, context) as Optimizer
}

const sizes = shapes.map((shape) => shape.reduce((product, dim) => product * dim, 1))
const filled = (size: number, at: (index: number) => number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => at(i))

test('the fixture has every optimizer', () => {
  const names = registry.of('optimizer').map(({ name }) => name)
  expect([...new Set(cases.map(({ use }) => use))].sort()).toEqual(names)
})

test.each(cases)('$use $options', ({ use, options, values }) => {
  const optimizer = make(registry.get('optimizer', use), options)
  const tensors = sizes.map((size, i) => ({
    value: filled(size, (at) => Math.cos(at + 1)),
    state: optimizer.init(`tensor${i}.weight`, size, shapes[i]!),
  }))
  for (let step = 1; step <= steps; step++) {
    const rate = lr * (1 - step / 40)
    for (const [i, { value, state }] of tensors.entries()) {
      const gradient = filled(value.length, (at) => (Math.sin(step * (at + 1)) * (1 + (at % 7))) / 4)
      optimizer.update(`tensor${i}.weight`, value, gradient, state, { step, lr: rate })
    }
    const wanted = values[kept.indexOf(step)]
    for (const [i, { value }] of wanted ? tensors.entries() : []) {
      const differences = Array.from(value, (x, at) => Math.abs(x - wanted![i]![at]!))
      expect(Math.max(...differences), `step ${step}, shape ${shapes[i]}`).toBeLessThan(2e-6)
    }
  }
})

test('adafactor keeps one value a row and one a column; a warm-up of its own needs its own rate', () => {
  const plugin = registry.get('optimizer', 'adafactor')
  const buffers = make(plugin, {}).init('w', 60, [6, 10])
  expect(buffers.map(({ length }) => length)).toEqual([6, 10])
  expect(() => make(plugin, { warmup_init: true })).toThrow(/needs "relative_step: true"/)
})

test.each(registry.of('optimizer').map(({ name }) => name))('%s decays neither biases nor norms', (use) => {
  const decayed = (name: string): number => {
    const optimizer = make(registry.get('optimizer', use), { weight_decay: 0.5 })
    const value = Float32Array.of(1)
    optimizer.update(name, value, Float32Array.of(0), optimizer.init(name, 1, [1]), { step: 1, lr: 0.1 })
    return value[0]!
  }
  expect(decayed('model.layers.0.input_layernorm.weight')).toBe(1)
  expect(decayed('x.lora_A.weight')).toBeCloseTo(0.95, 6)
})
