/** @file A real, trained Llama of 260,000 parameters writes its published story, word for word. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import llama from '../../../plugins/model/llama.ts'
import type { Model } from '../../../src/plugin/contract.ts'
import { context } from '../../data/rows.ts'
import { openGenerator, request } from '../../helpers/generator.ts'
import { convertLlama2c, decodeLlama2c } from '../../helpers/llama2c.ts'
import { openLogits } from '../../helpers/logits.ts'
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

it.skipIf(!there)('and so is the one that the generator writes, which keeps keys and values', async () => {
  const path = await convertLlama2c(join(stories, 'stories260K.bin'), join(root, 'kept'))
  const model = await (await llama.create({ path }, context)).load()
  const generator = await openGenerator(model)
  const [answer] = await generator.decode(request([[1]], { maxTokens: 200 }))
  await generator.close()
  const published = readFileSync(join(stories, 'expected.txt'), 'utf8')
  expect(decodeLlama2c(join(stories, 'tok512.bin'), [...answer!.ids]).trimEnd()).toBe(published.trimEnd())
})

/** The ids and the `count` likeliest next ones, each found by running all before it. */
async function writeGreedily(model: Model, start: readonly number[], count: number): Promise<number[]> {
  const logits = await openLogits(model, 1)
  try {
    const ids = [...start]
    for (let step = 0; step < count; step++) {
      const next = await logits.at(ids, [ids.length - 1])
      ids.push(next.indexOf(Math.max(...next)))
    }
    return ids
  } finally {
    await logits.close()
  }
}
