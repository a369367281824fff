import { afterAll, describe, expect, test } from 'vitest'
import { add, evaluate, grad, input, mul, program, sum, type Value } from '../../src/compute/index.ts'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import { uniform } from '../../src/util/random.ts'
import { bind, type Fed, LENGTH, type OpCase, opCases, ROWS, scannedHead, sizes } from './op-cases.ts'

/** A scalar that mixes every element of the outputs with a fixed weight, so that no gradient can hide. */
function mixed({ outputs }: OpCase): { loss: Value; weights: Fed[] } {
  const weights: Fed[] = []
  const parts = outputs.map((value, i) => {
    if (value.shape.length === 0) return value
    const count = sizes(value.shape).reduce((a, b) => a * b, 1)
    const data = Float32Array.from({ length: count }, (_, j) => uniform(3, i + 1, j) * 2 - 1)
    weights.push({
      name: `mix${i}`,
      value: input(`mix${i}`, 'f32', value.shape),
      data,
      differentiable: false,
    })
    return sum(mul(value, weights.at(-1)!.value))
  })
  return { loss: parts.reduce(add), weights }
}

/** head-loss has no gradient through its log-probabilities: only its loss is differentiated. */
const differentiated = (c: OpCase): OpCase =>
  c.name.startsWith('head-loss') ? { ...c, outputs: [c.outputs[0]!] } : c

const STEP = 1e-5

describe('gradients equal central differences in float64', () => {
  test.each(opCases().map((c) => [c.name, c] as const))('%s', (_, c) => {
    const { loss, weights } = mixed(differentiated(c))
    const targets = c.inputs.filter(({ differentiable }) => differentiable)
    const gradients = grad(
      loss,
      targets.map(({ value }) => value),
    )
    const bindings = new Map([...c.inputs, ...weights].map(bind))
    const computed = evaluate(
      gradients.map((g) => g!),
      bindings,
    )
    targets.forEach((target, t) => {
      const original = bindings.get(target.value)!
      const at = (i: number, by: number): number => {
        const data = original.data.slice()
        data[i]! += by
        return evaluate([loss], new Map([...bindings, [target.value, { ...original, data }]]))[0]!.data[0]!
      }
      // Every element of small tensors; of large ones a spread of them, the first row's start always.
      const stride = Math.max(1, Math.floor(original.data.length / 40))
      for (let i = 0; i < original.data.length; i += i < 12 ? 1 : stride) {
        const expected = (at(i, STEP) - at(i, -STEP)) / (2 * STEP)
        expect(Math.abs(computed[t]!.data[i]! - expected), `${target.name}[${i}]`).toBeLessThan(
          1e-6 * (1 + Math.abs(expected)),
        )
      }
    })
  })
})

test('the gradient of a sum of squares', () => {
  const x = input('x', 'f32', [3])
  const y = sum(mul(x, x))
  const [g] = grad(y, [x])
  const at = Float64Array.of(1, 2, 3)
  expect([...evaluate([g!], new Map([[x, { data: at, shape: [3] }]]))[0]!.data]).toEqual([2, 4, 6])
})

describe('onnxruntime equals the oracle', () => {
  const executor = new OnnxExecutor({ threads: 1, prepack: false, arena: true, provider: 'cpu' })
  afterAll(() => executor.close())
  test.each([...opCases(), scannedHead()].map((c) => [c.name, c] as const))('%s', async (_, c) => {
    const { loss, weights } = mixed(differentiated(c))
    const targets = c.inputs.filter(({ differentiable }) => differentiable)
    const gradients = grad(
      loss,
      targets.map(({ value }) => value),
    )
    const outputs = Object.fromEntries([
      ...c.outputs.map((value, i) => [`y${i}`, value] as const),
      ...targets.map(({ name }, i) => [`d ${name}`, gradients[i]!] as const),
    ])
    const fed = [...c.inputs, ...weights]
    const compiled = await executor.compile(program({ name: c.name, outputs }))
    const feeds = Object.fromEntries(fed.map(({ name, data }) => [name, data]))
    const results = await compiled.run(feeds, { rows: ROWS, length: LENGTH, labels: 128 }, false)
    const expected = evaluate(Object.values(outputs), new Map(fed.map(bind)))
    Object.keys(outputs).forEach((name, i) => {
      const scale = expected[i]!.data.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3)
      expect(results[name]!.length, name).toBe(expected[i]!.data.length)
      const worst = results[name]!.reduce((m, v, j) => Math.max(m, Math.abs(v - expected[i]!.data[j]!)), 0)
      expect(worst / scale, name).toBeLessThan(2e-5)
    })
  })
})
