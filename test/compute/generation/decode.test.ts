/** @file The loop: batches, chunks, ends and interruptions, with a tiny model in onnxruntime. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sampling } from '../../../src/compute/generation/index.ts'
import { decoderOf } from '../../../src/compute/generation/index.ts'
import { buildGenerator } from '../../../src/eval/generator.ts'
import { frozen, gemma3 } from '../../../src/nn/index.ts'
import type { Model } from '../../../src/plugin/contract.ts'
import { GREEDY, type OpenGenerator, openGenerator, request } from '../../helpers/generator.ts'
import { openLogits } from '../../helpers/logits.ts'
import { makeModel } from '../../helpers/make-model.ts'
import { oracleExecutor } from '../../helpers/oracle-executor.ts'
import { tempFolder } from '../../helpers/temp.ts'

let model: Model
let generator: OpenGenerator

beforeAll(async () => {
  const config = { max_position_embeddings: 1024, num_key_value_heads: 2, num_attention_heads: 4 }
  model = await gemma3(await makeModel(tempFolder(), { config, std: 0.4 }))
  generator = await openGenerator(model)
})
afterAll(() => generator.close())

const text = (length: number, seed: number): number[] =>
  Array.from({ length }, (_, i) => 3 + ((i * i * 7 + i * 13 + seed * 29) % 60))

const DRAWN: Sampling = { ...GREEDY, temperature: 1.5, topK: 30, topP: 0.95, minP: 0.01, seed: 77 }

test('drawn answers do not depend on what shares the batch, nor on how a list is cut', async () => {
  const prompts = [4, 30, 1, 12, 7, 19, 2].map((length, i) => text(length, i))
  const more = { sampling: DRAWN, maxTokens: 40, stop: [9, 10] }
  const one = await generator.decode(request(prompts, { ...more, rows: 1 }))
  const many = await generator.decode(request(prompts, { ...more, rows: 5 }))
  const late = await generator.decode(request(prompts.slice(3), { ...more, first: 3 }))
  const some = [5, 0, 3]
  const apart = await generator.decode(
    request(
      some.map((i) => prompts[i]!),
      { ...more, numbers: some },
    ),
  )
  const ids = (list: typeof one): number[][] => list.map((answer) => [...answer.ids])
  expect(ids(many)).toEqual(ids(one))
  expect(ids(late)).toEqual(ids(one).slice(3))
  expect(ids(apart)).toEqual(some.map((i) => ids(one)[i]))
  expect(new Set(ids(one).map((list) => list.length)).size).toBeGreaterThan(2)
  const other = await generator.decode(request(prompts, { ...more, sampling: { ...DRAWN, seed: 78 } }))
  expect(ids(other)).not.toEqual(ids(one))
})

test('a prompt of several chunks, beside short ones, continues as the whole text read anew does', async () => {
  const prompts = [text(700, 1), text(3, 2), text(513, 3), text(512, 4)]
  const found = await generator.decode(request(prompts, { maxTokens: 6, logProbs: true }))
  const logits = await openLogits(model, 1)
  for (const [i, prompt] of prompts.entries()) {
    const ids = [...prompt]
    for (const [t, id] of found[i]!.ids.entries()) {
      const next = await logits.at(ids, [ids.length - 1])
      expect(next.indexOf(Math.max(...next)), `prompt ${i}, token ${t}`).toBe(id)
      const total = Math.log(next.reduce((sum, value) => sum + Math.exp(value), 0))
      expect(found[i]!.logProbs[t]).toBeCloseTo(next[id]! - total, 4)
      ids.push(id)
    }
  }
  await logits.close()
})

test('an executor without a loop of its own is driven from here, to the same tokens', async () => {
  const program = buildGenerator(model, frozen)
  const executor = await oracleExecutor()
  const decode = decoderOf(await executor.compile(program), program)
  const asked = request([text(9, 5), text(2, 6)], { maxTokens: 12, sampling: DRAWN })
  const [mine, theirs] = [await decode(asked), await generator.decode(asked)]
  expect(mine.map(({ ids }) => [...ids])).toEqual(theirs.map(({ ids }) => [...ids]))
})

test('equal prompts are read once, and answered each for itself', async () => {
  const lengths: number[] = []
  const prompts = [text(6, 1), text(9, 2), text(6, 1), text(6, 1), text(6, 3), text(9, 2)]
  const more = { sampling: { ...DRAWN, repetitionPenalty: 1.2 }, maxTokens: 20 }
  const alone = await Promise.all(
    prompts.map((prompt, first) => generator.decode(request([prompt], { ...more, first }))),
  )
  const program = buildGenerator(model, frozen)
  const compiled = await generator.executor.compile(program)
  const counted = decoderOf(
    {
      run: (feeds, dims, accumulate) => {
        lengths.push(dims.rows! * dims.length!)
        return compiled.run(feeds, dims, accumulate)
      },
    },
    program,
  )
  const found = await counted(request(prompts, more))
  expect(found.map(({ ids }) => [...ids])).toEqual(alone.map(([answer]) => [...answer!.ids]))
  // Three different prompts, padded to nine tokens; then six rows a step.
  expect(lengths.slice(0, 3)).toEqual([27, 6, 6])
})

test('the last position of the model is the end', async () => {
  const prompts = [text(5, 1), text(8, 2)]
  const found = await generator.decode(request(prompts, { maxLength: 10 }))
  expect(found.map(({ ids, finish }) => [ids.length, finish])).toEqual([
    [5, 'length'],
    [2, 'length'],
  ])
})

test('tokens are told as they come; one who listens may end an answer or all of them', async () => {
  const told: number[][] = [[], []]
  const finished: number[] = []
  const found = await generator.decode(request([text(5, 1), text(6, 2)], { maxTokens: 400 }), {
    onToken: (prompt, id) => void told[prompt]!.push(id),
    ended: (prompt) => prompt === 1 && told[1]!.length >= 3,
    onDone: (prompt) => void finished.push(prompt),
  })
  expect(found[0]!.ids).toHaveLength(400)
  expect(found[1]!.finish).toBe('stop')
  expect(found[1]!.ids.length).toBeGreaterThanOrEqual(3)
  expect(found[1]!.ids.length).toBeLessThan(400)
  expect(told.map((ids) => ids.length)).toEqual(found.map(({ ids }) => ids.length))
  expect(finished).toEqual([1, 0])

  const controller = new AbortController()
  const asked = request([text(5, 1)], { maxTokens: 100_000, maxLength: 1e6 })
  const started = generator.decode(asked, {
    signal: controller.signal,
    onToken: () => controller.abort(new Error('enough')),
  })
  await expect(started).rejects.toThrow('enough')
  // And the thread is free again.
  expect((await generator.decode(request([text(5, 1)], { maxTokens: 2 })))[0]!.ids).toHaveLength(2)
})
