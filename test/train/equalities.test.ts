/** How a step is cut into micro-batches, and rows into documents, must not show in what it computes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import { type BatchOptions, type MicroBatch, microBatches } from '../../src/train/batches.ts'
import { type Compute, openGradients } from '../helpers/gradients.ts'
import { documentOf, memorySplit } from '../helpers/memory-split.ts'
import { tinyLora } from '../helpers/tiny-lora.ts'

const executor = new OnnxExecutor({ threads: 2, prepack: false, arena: true, provider: 'cpu' })
afterAll(() => executor.close())

/** From one label to 70, in lengths that pad differently. */
const documents = [
  documentOf(90, 70, 1),
  documentOf(12, 1, 2),
  documentOf(200, 3, 3),
  documentOf(30, 29, 4),
  documentOf(64, 8, 5),
  documentOf(9, 2, 6),
  documentOf(150, 41, 7),
  documentOf(128, 17, 8),
]

interface Step {
  readonly loss: number
  readonly gradNorm: number
  readonly gradients: ReadonlyMap<string, Float64Array>
}

/** The first step of a run: losses and gradients of its micro-batches added up. */
async function firstStep(compute: Compute, change: Partial<BatchOptions>): Promise<Step> {
  const options = { epochs: 1, batch_size: 8, accumulate: 1, max_length: 256, pack: false, shuffle: true }
  const batches: MicroBatch[] = []
  for await (const batch of microBatches(memorySplit([documents]), { ...options, ...change }, 3)) {
    batches.push(batch)
  }
  expect(batches.every(({ step }) => step === 1)).toBe(true)
  let loss = 0
  const gradients = new Map<string, Float64Array>()
  for (const { batch, row } of batches) {
    for (const [name, values] of Object.entries(await compute(batch, row))) {
      if (name === 'loss') loss += values[0]!
      if (!name.startsWith('d ')) continue
      const sum = gradients.get(name) ?? new Float64Array(values.length)
      values.forEach((value, i) => {
        sum[i]! += value
      })
      gradients.set(name, sum)
    }
  }
  const squares = [...gradients.values()].flatMap((values) => [...values.map((value) => value * value)])
  return { loss, gradNorm: Math.sqrt(squares.reduce((a, b) => a + b, 0)), gradients }
}

/** Losses and gradient norms within 1e-5 of each other, and each gradient within 1e-5 of its largest value. */
function expectSame(found: Step, wanted: Step): void {
  expect(Math.abs(found.loss / wanted.loss - 1)).toBeLessThan(1e-5)
  expect(Math.abs(found.gradNorm / wanted.gradNorm - 1)).toBeLessThan(1e-5)
  expect([...found.gradients.keys()]).toEqual([...wanted.gradients.keys()])
  for (const [name, values] of wanted.gradients) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const others = found.gradients.get(name)!
    const apart = values.reduce((most, value, i) => Math.max(most, Math.abs(value - others[i]!)), 0)
    expect(apart / largest, name).toBeLessThan(1e-5)
  }
}

describe.each([
  ['LoRA', {}],
  ['LoRA with dropout', { dropout: 0.3 }],
] as const)('%s', (_, options) => {
  let compute: Compute
  let whole: Step
  beforeAll(async () => {
    const { model, plan } = await tinyLora(options)
    compute = await openGradients(executor, model, plan)
    whole = await firstStep(compute, {})
  })

  test.each([
    [4, 2],
    [3, 3],
    [2, 4],
    [1, 8],
  ])('batches of %i accumulated %i times are one batch of 8', async (batch_size, accumulate) => {
    expectSame(await firstStep(compute, { batch_size, accumulate }), whole)
  })

  test('packed rows, accumulated, are one batch of packed rows', async () => {
    const packed = await firstStep(compute, { pack: true })
    expectSame(await firstStep(compute, { pack: true, batch_size: 1, accumulate: 8 }), packed)
  })
})

test('packed rows are unpacked ones', async () => {
  const { model, plan } = await tinyLora()
  const compute = await openGradients(executor, model, plan)
  expectSame(await firstStep(compute, { pack: true }), await firstStep(compute, {}))
})
