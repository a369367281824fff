/** @file A real, trained Llama of 260,000 parameters writes its published story, word for word. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import llama from '../../../plugins/model/llama.ts'
import { input, linear, program, takeRows } from '../../../src/compute/index.ts'
import { OnnxExecutor } from '../../../src/compute/onnx/index.ts'
import { frozen } from '../../../src/nn/index.ts'
import type { Model } from '../../../src/plugin/contract.ts'
import { context } from '../../data/rows.ts'
import { convertLlama2c, decodeLlama2c } from '../../helpers/llama2c.ts'
import { tempFolder } from '../../helpers/temp.ts'

const stories = resolve(import.meta.dirname, '../../../../shared/data/stories260K')
const there = existsSync(stories)
if (!there) console.log(`stories260k.test: skips the real 260K model, which is not at ${stories}`)
const root = tempFolder()

it.skipIf(!there)('the greedy continuation of <s> is the published one', async () => {
  const path = await convertLlama2c(join(stories, 'stories260K.bin'), join(root, 'stories260K'))
  const model = await (await llama.create({ path }, context)).load()
  expect(model.parameters).toBeGreaterThan(250_000)
  const ids = await writeGreedily(model, [1], 200)
  const published = readFileSync(join(stories, 'expected.txt'), 'utf8')
  expect(decodeLlama2c(join(stories, 'tok512.bin'), ids.slice(1)).trimEnd()).toBe(published.trimEnd())
})

/** The ids and the `count` likeliest next ones, each found by running all before it. */
async function writeGreedily(model: Model, start: readonly number[], count: number): Promise<number[]> {
  const executor = new OnnxExecutor({ threads: 1, prepack: false, arena: false, provider: 'cpu' })
  try {
    const { run } = await executor.compile(nextTokenProgram(model))
    const ids = [...start]
    for (let step = 0; step < count; step++) {
      const length = ids.length
      const feeds = {
        ids: Int32Array.from(ids),
        position: Int32Array.from(ids, (_, t) => t),
        segment: new Int32Array(length),
        branch: new Int32Array(length),
        slot: Int32Array.of(length - 1),
      }
      const { logits } = await run(feeds, { rows: 1, length, labels: 1 }, false)
      ids.push(logits!.indexOf(Math.max(...logits!)))
    }
    return ids
  } finally {
    await executor.close()
  }
}

function nextTokenProgram(model: Model): ReturnType<typeof program> {
  const row = (name: string) => input(name, 'i32', ['rows', 'length'])
  const batch = { ids: row('ids'), position: row('position'), segment: row('segment'), branch: row('branch') }
  const { hidden, head } = model.build({ ...batch, gain: input('gain', 'f32', []) }, frozen)
  const last = takeRows(hidden, input('slot', 'i32', ['labels']))
  return program({ name: 'next token', outputs: { logits: linear(last, head) } })
}
