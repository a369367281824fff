/** @file Logits of Gemma 3 in onnxruntime against transformers, up to many windows long (test/reference/logits_fixture.py). */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { input, linear, program, takeRows } from '../../src/compute/index.ts'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import { batchInputs, frozen, gemma3 } from '../../src/nn/index.ts'
import type { CompiledProgram } from '../../src/plugin/contract.ts'
import { tempFolder } from '../helpers/temp.ts'

interface Case {
  readonly window: number
  readonly length: number
  readonly positions: readonly number[]
  /** Of each position, every `columns`th logit. */
  readonly logits: readonly (readonly number[])[]
}
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/training/${name}`, import.meta.url))
const expected: { columns: number; cases: Case[] } = JSON.parse(readFileSync(fixture('logits.json'), 'utf8'))
const windows = [...new Set(expected.cases.map(({ window }) => window))]

/** The fixture's model with another window. */
function modelFolder(window: number): string {
  const folder = tempFolder()
  const config = JSON.parse(readFileSync(fixture('model/config.json'), 'utf8'))
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, sliding_window: window }))
  copyFileSync(fixture('model/model.safetensors'), join(folder, 'model.safetensors'))
  return folder
}

describe.each(windows)('Gemma 3 with a window of %i', (window) => {
  const executor = new OnnxExecutor({ threads: 2, prepack: false, arena: false, provider: 'cpu' })
  let compiled: CompiledProgram
  let vocabulary: number

  beforeAll(async () => {
    const model = await gemma3(modelFolder(window))
    const { hidden, head } = model.build(batchInputs(), frozen)
    const logits = linear(takeRows(hidden, input('slots', 'i32', ['labels'])), head)
    compiled = await executor.compile(program({ name: 'logits', outputs: { logits } }))
    vocabulary = model.vocabSize
  })
  afterAll(() => executor.close())

  it.each(expected.cases.filter((one) => one.window === window))(
    'gives the logits of transformers at length $length',
    async ({ length, positions, logits }) => {
      // Padded as in training, so that padding is seen to change nothing.
      const padded = Math.ceil(length / 128) * 128
      const filled = (at: (i: number) => number, padding: number): Int32Array =>
        Int32Array.from({ length: padded }, (_, i) => (i < length ? at(i) : padding))
      const feeds = {
        ids: filled((i) => 3 + ((7919 * i + 31 * length) % 2045), 0),
        position: filled((i) => i, 0),
        segment: filled(() => 0, -1),
        branch: filled(() => 0, 0),
        slots: Int32Array.from(positions),
      }
      const dims = { rows: 1, length: padded, labels: positions.length }
      const found = (await compiled.run(feeds, dims, false)).logits!
      positions.forEach((position, p) => {
        const row = logits[p]!.map((_, c) => found[p * vocabulary + c * expected.columns]!)
        expect(relative(row, logits[p]!), `position ${position}`).toBeLessThan(1e-5)
      })
    },
  )
})

/** Norm of the difference over the norm of what was expected. */
function relative(found: readonly number[], wanted: readonly number[]): number {
  return Math.hypot(...found.map((value, i) => value - wanted[i]!)) / Math.hypot(...wanted)
}
