/** @file An executor that really computes, in float64 on this thread, with the real optimizer plugin. */
import adamw from '../../plugins/optimizer/adamw.ts'
import type { Program, Tensor } from '../../src/compute/index.ts'
import { initialValues } from '../../src/compute/init.ts'
import type { Dims, Executor, Feeds, Optimizer } from '../../src/plugin/contract.ts'
import { runOracle, tensor } from './oracle.ts'

interface Parameter {
  readonly value: Float32Array
  readonly shape: readonly number[]
  readonly sum: Float64Array
  readonly state: readonly Float32Array[]
  readonly lrFactor: number
}

/** Sums gradients in f64; options are AdamW's. */
export async function oracleExecutor(options: Record<string, number> = {}): Promise<Executor> {
  const defaults = { lr: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 }
  const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }
  const optimizer: Optimizer = await adamw.create({ ...defaults, ...options }, context)
  const parameters = new Map<string, Parameter>()
  return {
    async compile(program) {
      for (const spec of program.parameters) {
        if (parameters.has(spec.name)) continue
        const value = initialValues(spec)
        const state = optimizer.init(spec.name, value.length, spec.shape)
        const { shape, lrFactor = 1 } = spec
        parameters.set(spec.name, { value, shape, sum: new Float64Array(value.length), state, lrFactor })
      }
      return { run: (feeds, dims, accumulate) => runProgram(program, parameters, feeds, dims, accumulate) }
    },
    async optimizer() {},
    async update({ step, lr, clip }) {
      let squares = 0
      for (const { sum } of parameters.values()) for (const g of sum) squares += g * g
      const gradNorm = Math.sqrt(squares)
      if (!Number.isFinite(gradNorm)) {
        for (const { sum } of parameters.values()) sum.fill(0)
        return { gradNorm }
      }
      const factor = clip > 0 ? Math.min(1, clip / (gradNorm + 1e-6)) : 1
      for (const [name, { value, sum, state, lrFactor }] of parameters) {
        optimizer.update(
          name,
          value,
          Float32Array.from(sum, (g) => g * factor),
          state,
          { step, lr: lr * lrFactor },
        )
        sum.fill(0)
      }
      return { gradNorm }
    },
    read: async (name) => parameters.get(name)!.value.slice(),
    write: async (name, values) => parameters.get(name)!.value.set(values),
    dropGradients: async () => {
      for (const { sum } of parameters.values()) sum.fill(0)
    },
    trained: async () =>
      [...parameters]
        .map(([name, { shape, state }]) => ({ name, shape, state: state.map(({ length }) => length) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    readState: async (name, index) => parameters.get(name)!.state[index]!.slice(),
    writeState: async (name, index, values) => parameters.get(name)!.state[index]!.set(values),
    async close() {},
  }
}

async function runProgram(
  program: Program,
  parameters: ReadonlyMap<string, Parameter>,
  feeds: Feeds,
  dims: Dims,
  accumulate: boolean,
): Promise<Record<string, Float32Array>> {
  const inputs: Record<string, Tensor> = {}
  for (const { name, value } of program.inputs) {
    const shape = value.shape.map((dim) => (typeof dim === 'number' ? dim : dims[dim]!))
    inputs[name] = tensor(feeds[name]!, shape)
  }
  const bound = new Map([...parameters].map(([name, { value, shape }]) => [name, tensor(value, shape)]))
  const trained = accumulate ? program.parameters.filter(({ gradient }) => gradient) : []
  const wanted = [...program.outputs.map(({ value }) => value), ...trained.map(({ gradient }) => gradient!)]
  const results = await runOracle(wanted, { inputs, parameters: bound })
  trained.forEach(({ name }, i) => {
    const { sum } = parameters.get(name)!
    results[program.outputs.length + i]!.data.forEach((g, j) => {
      sum[j]! += g
    })
  })
  return Object.fromEntries(program.outputs.map(({ name }, i) => [name, Float32Array.from(results[i]!.data)]))
}
