/** @file What transformers generates greedily, token by token: test/reference/generation_fixture.py. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import gemma3 from '../../../plugins/model/gemma3.ts'
import llama from '../../../plugins/model/llama.ts'
import qwen3 from '../../../plugins/model/qwen3.ts'
import type { Model } from '../../../src/plugin/contract.ts'
import { GREEDY, type OpenGenerator, openGenerator, request } from '../../helpers/generator.ts'
import { tempFolder } from '../../helpers/temp.ts'

interface Case {
  readonly prompt: readonly number[]
  readonly ids: readonly number[]
  readonly log_probs?: readonly number[]
}

interface Expected {
  readonly greedy: readonly Case[]
  readonly penalised: readonly Case[]
  readonly stopped: { readonly stop: readonly number[]; readonly ids: readonly (readonly number[])[] }
}

const fixture = (name: string): string => new URL(`../../fixtures/${name}`, import.meta.url).pathname
const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 0, warn: () => {} }

/** A plugin wants a whole folder; the fixtures have no tokenizer. */
async function open(plugin: typeof gemma3 | typeof llama | typeof qwen3, folder: string): Promise<Model> {
  const whole = join(tempFolder(), 'model')
  mkdirSync(whole)
  for (const file of ['config.json', 'model.safetensors'])
    copyFileSync(join(fixture(folder), file), join(whole, file))
  writeFileSync(join(whole, 'tokenizer.json'), '{}')
  return (await plugin.create({ path: whole }, context)).load()
}

describe.each([
  ['gemma3', gemma3],
  ['llama', llama],
  ['qwen3', qwen3],
] as const)('%s', (name, plugin) => {
  const expected = JSON.parse(readFileSync(fixture(`generation/${name}/expected.json`), 'utf8')) as Expected
  const prompts = expected.greedy.map(({ prompt }) => prompt)
  let generator: OpenGenerator

  beforeAll(async () => {
    generator = await openGenerator(await open(plugin, `generation/${name}`))
  })
  afterAll(() => generator.close())

  test('20 prompts of 64 tokens, side by side and one at a time', async () => {
    expect(expected.greedy).toHaveLength(20)
    for (const rows of [16, 1]) {
      const found = await generator.decode(request(prompts, { rows, logProbs: true }))
      found.forEach(({ ids, finish, logProbs }, i) => {
        const { ids: wanted, log_probs } = expected.greedy[i]!
        expect(wanted).toHaveLength(64)
        expect(new Set(wanted).size).toBeGreaterThanOrEqual(12)
        expect([...ids], `prompt ${i}, ${rows} rows`).toEqual(wanted)
        expect(finish).toBe('length')
        log_probs?.forEach((value, t) => {
          expect(logProbs[t]).toBeCloseTo(value, 3)
        })
      })
    }
  })

  test('with a repetition penalty', async () => {
    const cases = expected.penalised
    const sampling = { ...GREEDY, repetitionPenalty: 1.3 }
    const found = await generator.decode(
      request(
        cases.map(({ prompt }) => prompt),
        { sampling },
      ),
    )
    expect(found.map(({ ids }) => [...ids])).toEqual(cases.map(({ ids }) => ids))
  })

  test('up to the first of several tokens that end an answer, whatever shares the batch', async () => {
    const { stop, ids } = expected.stopped
    expect(new Set(ids.map(({ length }) => length)).size).toBeGreaterThan(3)
    const found = await generator.decode(request(prompts, { stop, rows: 3 }))
    expect(found.map((one) => [...one.ids])).toEqual(ids)
    expect(found.map(({ finish }) => finish)).toEqual(
      ids.map((one) => (stop.includes(one.at(-1)!) ? 'stop' : 'length')),
    )
  })
})
