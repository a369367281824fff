/** @file Runs a whole model in onnxruntime for its logits. */
import { expect } from 'vitest'
import { input, linear, program, takeRows } from '../../src/compute/index.ts'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import { batchInputs, frozen } from '../../src/nn/index.ts'
import type { Model } from '../../src/plugin/contract.ts'

export interface Logits {
  /** Logits [positions, vocabulary] behind each of the positions of the text. */
  at(ids: readonly number[], positions: readonly number[]): Promise<Float32Array>
  close(): Promise<void>
}

export async function openLogits(model: Model, threads = 2): Promise<Logits> {
  const executor = new OnnxExecutor({ threads, prepack: false, arena: false, provider: 'cpu' })
  const { hidden, head } = model.build(batchInputs(), frozen)
  const logits = linear(takeRows(hidden, input('slots', 'i32', ['labels'])), head)
  const { run } = await executor.compile(program({ name: 'logits', outputs: { logits } }))
  return {
    async at(text, positions) {
      const length = text.length
      const feeds = {
        ids: Int32Array.from(text),
        position: Int32Array.from(text, (_, t) => t),
        segment: new Int32Array(length),
        branch: new Int32Array(length),
        slots: Int32Array.from(positions),
      }
      return (await run(feeds, { rows: 1, length, labels: positions.length }, false)).logits!
    },
    close: () => executor.close(),
  }
}

/** What test/reference/families_fixture.py keeps of long texts. */
export interface LongTexts {
  /** Of each position, every `columns`th logit. */
  readonly columns: number
  readonly cases: readonly {
    readonly length: number
    readonly positions: readonly number[]
    readonly logits: readonly (readonly number[])[]
  }[]
}

/** Within 1e-5, by the norm of the difference over the norm of what is expected. */
export async function expectSameLogits(model: Model, { columns, cases }: LongTexts): Promise<void> {
  const logits = await openLogits(model)
  try {
    for (const { length, positions, logits: wanted } of cases) {
      const text = Array.from({ length }, (_, i) => 3 + ((7919 * i + 31 * length) % 58))
      const found = await logits.at(text, positions)
      wanted.forEach((row, p) => {
        const apart = row.map((value, c) => found[p * model.vocabSize + c * columns]! - value)
        const relative = Math.hypot(...apart) / Math.hypot(...row)
        expect(relative, `length ${length}, position ${positions[p]}`).toBeLessThan(1e-5)
      })
    }
  } finally {
    await logits.close()
  }
}
