import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Generator } from '../../src/eval/generate.ts'
import { createScorer, type RunBatch } from '../../src/eval/score.ts'
import { storedGenerator, storedScorer } from '../../src/eval/score-store.ts'
import type { Generation } from '../../src/plugin/contract.ts'
import { documentOf } from '../helpers/memory-split.ts'
import { tempFolder } from '../helpers/temp.ts'

/** A model whose log-probability of a label is minus its id; it counts its batches and can be told to fail. */
function model(failAfter = Number.POSITIVE_INFINITY) {
  const state = { batches: 0, labels: 0 }
  const run: RunBatch = async ({ labelId, labelTokens }) => {
    if (state.batches >= failAfter) throw new Error('the machine went down')
    state.batches++
    state.labels += labelTokens
    return Float32Array.from(labelId, (id) => -id)
  }
  return { state, scorer: createScorer(run) }
}

const groups = Array.from({ length: 60 }, (_, i) => ({
  prompt: Int32Array.from({ length: 100 + i }, (_, t) => 2 + ((t * 7 + i) % 50)),
  choices: [Int32Array.of(3 + (i % 20)), Int32Array.of(5, 6 + i)],
}))
const expected = groups.map((_, i) => [-(3 + (i % 20)), -(5 + 6 + i)])
const files = (folder: string, name: string) => readdirSync(join(folder, name.padEnd(32, '0').slice(0, 32)))
const HASH = 'a'.repeat(64)

test('what was scored is read, by model and by what was asked', async () => {
  const folder = tempFolder()
  const first = model()
  expect(await storedScorer(first.scorer, { folder, model: HASH }).scoreChoices(groups)).toEqual(expected)
  expect(first.state.labels).toBe(180)
  const again = model()
  expect(await storedScorer(again.scorer, { folder, model: HASH }).scoreChoices(groups)).toEqual(expected)
  expect(again.state.batches).toBe(0)
  // Another model, other items, the same items as documents: none of them is the same request.
  const other = model()
  const elsewhere = storedScorer(other.scorer, { folder, model: 'b'.repeat(64) })
  await elsewhere.scoreChoices(groups)
  expect(other.state.labels).toBe(180)
  await elsewhere.scoreChoices(groups.slice(1))
  expect(other.state.labels).toBe(180 + 177)
  const document = documentOf(30, 10, 1)
  const [scored] = await elsewhere.scoreDocuments([document])
  expect(await elsewhere.scoreDocuments([document])).toEqual([scored])
  expect(scored!.tokens).toBe(10)
  expect(other.state.labels).toBe(180 + 177 + 10)
})

test('a scoring that was cut short goes on where it stopped, whatever its last line looks like', async () => {
  const folder = tempFolder()
  const place = { folder, model: HASH }
  const broken = model(2)
  await expect(storedScorer(broken.scorer, place).scoreChoices(groups)).rejects.toThrow('went down')
  const [name] = files(folder, HASH)
  const file = join(folder, HASH.slice(0, 32), name!)
  const done = readFileSync(file, 'utf8').split('\n').filter(Boolean).length
  expect(done).toBe(broken.state.labels / 3)
  expect(done).toBeGreaterThan(0)
  expect(done).toBeLessThan(60)
  appendFileSync(file, '\n[59,[-1')
  const next = model()
  expect(await storedScorer(next.scorer, place).scoreChoices(groups)).toEqual(expected)
  expect(next.state.labels).toBe(3 * (60 - done))
})

test('a score that is no number is returned and not kept; a folder that cannot be written costs nothing', async () => {
  const folder = tempFolder()
  const wild = createScorer(async ({ labelId }) =>
    Float32Array.from(labelId, (id) => (id === 5 ? Number.NaN : -id)),
  )
  const place = { folder, model: HASH }
  const [first] = await storedScorer(wild, place).scoreChoices(groups.slice(0, 1))
  expect(first).toEqual([-3, Number.NaN])
  expect(await storedScorer(model().scorer, place).scoreChoices(groups.slice(0, 1))).toEqual([[-3, -11]])
  const blocked = join(folder, 'file')
  writeFileSync(blocked, '')
  const without = storedScorer(model().scorer, { folder: blocked, model: HASH })
  expect(await without.scoreChoices(groups)).toEqual(expected)
})

test('each answer is kept as it comes; other options or ends are another request, and a listener is answered anew', async () => {
  const folder = tempFolder()
  const asked: number[][] = []
  let left = 41
  const generate: Generator = async (prompts, _options, _onText, keeper) => {
    asked.push([...(keeper?.numbers ?? [])])
    return prompts.map((ids, i): Generation => {
      if (left-- === 0) throw new Error('the machine went down')
      // As a batch does it: the last prompt is answered first.
      const at = prompts.length - 1 - i
      const answer = { ids: prompts[at]!, text: `${keeper?.numbers[at]}`, finish: 'stop' } as const
      keeper?.onAnswer(at, answer)
      return { ...answer, ids }
    })
  }
  const place = { folder, model: HASH }
  const told: number[] = []
  const stored = storedGenerator(generate, place, [7], (done) => told.push(done))
  const prompts = Array.from({ length: 100 }, (_, i) => Int32Array.of(i, 7))
  await expect(stored(prompts, { max_tokens: 5, first: 1000 })).rejects.toThrow('went down')
  expect(told.at(-1)).toBe(41)
  left = 1000
  const answers = await stored(prompts, { max_tokens: 5, first: 1000 })
  // What is missing keeps its numbers, by which its tokens are drawn.
  expect(asked[1]).toEqual(Array.from({ length: 59 }, (_, i) => 1000 + i))
  expect(answers.map(({ text }) => text)).toEqual(prompts.map((_, i) => String(1000 + i)))
  expect(answers[70]).toEqual({ ids: prompts[70], text: '1070', finish: 'stop' })
  await stored(prompts, { max_tokens: 5, first: 1000, signal: new AbortController().signal })
  await stored(prompts, { max_tokens: 5, first: 1000, stop_tokens: [7] })
  expect(asked).toHaveLength(2)
  await stored(prompts, { max_tokens: 5, first: 1000, temperature: 1 })
  expect(asked).toHaveLength(3)
  // The same weights with another template may end an answer elsewhere.
  await storedGenerator(generate, place, [7, 8])(prompts, { max_tokens: 5, first: 1000 })
  expect(asked).toHaveLength(4)
  await stored(prompts, { max_tokens: 5, first: 1000 }, () => {})
  expect(asked).toHaveLength(5)
})
