/** @file Tasks against what lm-evaluation-harness made of the same model and questions: prompts, log-probabilities, answers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { evaluate } from '../../src/evaluate.ts'
import { writeTaskModel } from '../helpers/task-model.ts'
import { tempFolder } from '../helpers/temp.ts'

interface Setting {
  readonly task: 'medmcqa' | 'pubmedqa'
  readonly chat: boolean
  readonly fewshot: number
  readonly items: readonly {
    readonly prompt: string
    readonly logprobs: readonly number[]
    readonly acc: number
  }[]
}

const SETTINGS: readonly Setting[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/tasks/scores.json'), 'utf8'),
)
const folder = tempFolder()

beforeAll(async () => {
  process.env.MEDTUNE_CACHE = join(folder, 'cache')
  await writeTaskModel(folder)
})

test('the fixture has margins that rounding does not decide', () => {
  expect(SETTINGS).toHaveLength(8)
  for (const { items } of SETTINGS) {
    for (const { logprobs } of items) {
      const [first, second] = [...logprobs].sort((a, b) => b - a)
      expect(first! - second!).toBeGreaterThan(1e-3)
    }
  }
})

test.each(SETTINGS)('$task, chat $chat, $fewshot examples', async ({ task, chat, fewshot, items }) => {
  const options = { path: join(folder, `${task}.jsonl`), chat, fewshot }
  const stage =
    task === 'medmcqa' ? { use: task, ...options } : { use: 'task', task: 'pubmedqa_source', ...options }
  const out = join(folder, `${task}-${chat}-${fewshot}`)
  await evaluate(join(folder, 'model'), { evaluations: [stage], out })
  const name = task === 'medmcqa' ? task : 'task'
  const ours = readFileSync(join(out, `${name}.base.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(ours).toHaveLength(items.length)
  items.forEach(({ prompt, logprobs, acc }, i) => {
    if (!chat) expect(ours[i].prompt).toBe(prompt)
    logprobs.forEach((value, c) => {
      expect(ours[i].logprobs[c]).toBeCloseTo(value, 4)
    })
    expect(ours[i].score).toBe(acc)
  })
})
