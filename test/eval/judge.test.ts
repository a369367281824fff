/** @file The judge against a real server that answers, is busy, is slow, lies, breaks off or talks nonsense. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type JudgeOptions, judge, readJudgement } from '../../src/eval/judge.ts'
import { judgedTask } from '../../src/eval/task/judged.ts'
import type { Evaluation, Subject } from '../../src/plugin/contract.ts'
import { tempFolder } from '../helpers/temp.ts'

interface Asked {
  readonly path: string
  readonly key: string | undefined
  readonly body: { model: string; temperature: number; messages: { role: string; content: string }[] }
}

let server: Server
let url: string
let asked: Asked[] = []
let answer: (response: ServerResponse, asked: Asked, count: number) => void

const say = (response: ServerResponse, content: unknown, status = 200): void => {
  const body = { choices: [{ message: { role: 'assistant', content } }] }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

beforeAll(async () => {
  process.env.MEDTUNE_CACHE = tempFolder()
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (data) => {
      text += data
    })
    request.on('end', () => {
      const one = { path: request.url!, key: request.headers.authorization, body: JSON.parse(text) }
      asked.push(one)
      answer(response, one, asked.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  asked = []
})

const options = (more: Partial<JudgeOptions> = {}): JudgeOptions => ({
  url,
  model: 'judge-1',
  prompt: 'Q {question} R {reference} A {answer}',
  scale: 10,
  timeout: 5,
  retries: 1,
  ...more,
})
const text = { question: 'why {answer}?', reference: 'because', answer: 'as it is' }

test('one question, one score, the key and the filled prompt sent', async () => {
  answer = (response) => say(response, 'It says less.\nScore: 7.5')
  const found = await judge(text, options({ key: 'secret' }))
  expect(found).toEqual({ score: 0.75, said: 'It says less.\nScore: 7.5' })
  expect(asked).toHaveLength(1)
  expect(asked[0]).toMatchObject({
    path: '/v1/chat/completions',
    key: 'Bearer secret',
    body: {
      model: 'judge-1',
      temperature: 0,
      messages: [{ role: 'user', content: 'Q why {answer}? R because A as it is' }],
    },
  })
})

test.each([
  ['Score: 11', 'no-score'],
  ['Score: -1', 'no-score'],
  ['good answer', 'no-score'],
  [null, 'no-score'],
])('%j is no score', async (content, failure) => {
  answer = (response) => say(response, content)
  expect(await judge(text, options())).toMatchObject({ failure })
  expect(asked).toHaveLength(1)
})

test('what is no answer of such a server is a failure', () => {
  expect(readJudgement('<html>', 10)).toMatchObject({ failure: 'no-score' })
  expect(readJudgement('null', 10)).toMatchObject({ failure: 'no-score' })
  expect(readJudgement('{"choices":[]}', 10)).toMatchObject({ failure: 'no-score' })
  expect(readJudgement('{"choices":[{"message":{"content":"score 3 ... Score: **4**"}}]}', 10)).toMatchObject(
    {
      score: 0.4,
    },
  )
})

test('a busy server is asked again, a refusal is not, a slow one times out, a gone one is unreachable', async () => {
  answer = (response, _, count) => (count === 1 ? say(response, 'x', 429) : say(response, 'Score: 10'))
  expect(await judge(text, options())).toMatchObject({ score: 1 })
  expect(asked).toHaveLength(2)
  asked = []
  answer = (response) => say(response, 'no', 401)
  expect(await judge(text, options())).toMatchObject({
    failure: 'refused',
    said: expect.stringMatching(/^HTTP 401/),
  })
  expect(asked).toHaveLength(1)
  asked = []
  answer = () => {}
  expect(await judge(text, options({ timeout: 0.1, retries: 1 }))).toMatchObject({ failure: 'timeout' })
  expect(asked).toHaveLength(2)
  answer = (response) => response.destroy()
  expect(await judge(text, options({ retries: 0 }))).toMatchObject({ failure: 'unreachable' })
  answer = (response) => response.writeHead(307, { location: `${url}/elsewhere` }).end()
  expect(await judge(text, options({ retries: 0 }))).toMatchObject({ failure: 'unreachable' })
  expect(await judge(text, options({ url: 'http://127.0.0.1:9', retries: 0 }))).toMatchObject({
    failure: 'unreachable',
  })
})

const taskOf = (names: readonly string[]): Evaluation => ({
  async evaluate() {
    const items = names.map((id) => ({
      id,
      score: 0.5,
      weight: 1,
      detail: { prompt: `q ${id}`, prediction: id, reference: 'r' },
    }))
    return { metric: 'rouge_l', better: 'higher', items, extra: { unfinished: 1 } }
  },
})
const task = taskOf(['a', 'b', 'c', 'd'])

test('items that cannot be judged are counted by what went wrong and left out; the judge is named', async () => {
  answer = (response, { body }) => {
    const { content } = body.messages[0]!
    if (content.includes('q a')) say(response, 'Score: 8')
    else if (content.includes('q b')) say(response, 'hm')
    else if (content.includes('q c')) say(response, 'no', 403)
    else say(response, 'Score: 0')
  }
  const outcome = await judgedTask(task, options()).evaluate({} as Subject)
  expect(outcome).toMatchObject({
    metric: 'judge',
    extra: { unfinished: 1, judge_failures: 2, judge_no_score: 1, judge_refused: 1 },
    about: { judge_model: 'judge-1', judge_url: url },
  })
  expect(outcome.items.map(({ id, score, also }) => [id, score, also])).toEqual([
    ['a', 0.8, { rouge_l: 0.5 }],
    ['d', 0, { rouge_l: 0.5 }],
  ])
  // What it gave a score is not asked again, what failed is.
  asked = []
  answer = (response) => say(response, 'Score: 1')
  const again = await judgedTask(task, options()).evaluate({} as Subject)
  expect(again.items.map(({ score }) => score)).toEqual([0.8, 0.1, 0.1, 0])
  expect(asked).toHaveLength(2)
  // Of more items, or in another order, only what is new is asked.
  const more = await judgedTask(taskOf(['e', 'd', 'c', 'b', 'a']), options()).evaluate({} as Subject)
  expect(more.items.map(({ score }) => score)).toEqual([0.1, 0, 0.1, 0.1, 0.8])
  expect(asked).toHaveLength(3)
  answer = (response) => say(response, 'nothing')
  const other = options({ prompt: 'another {answer}' })
  await expect(judgedTask(task, other).evaluate({} as Subject)).rejects.toThrow(
    /judge judge-1 at http.*: none of 4 answers could be judged \(no-score: nothing\)/,
  )
})

const many = Array.from({ length: 40 }, (_, i) => `n${i}`)

test('a judge that is not there is given up soon; one that talks nonsense is heard to the end', async () => {
  answer = (response) => response.destroy()
  const hasty = options({ retries: 0, prompt: 'hasty {answer}' })
  await expect(judgedTask(taskOf(many), hasty).evaluate({} as Subject)).rejects.toThrow(
    /judge judge-1 at http.*: does not answer, \d+ calls failed \(unreachable: /,
  )
  expect(asked.length).toBeLessThan(16)
  asked = []
  answer = (response) => say(response, 'well')
  await expect(judgedTask(taskOf(many), hasty).evaluate({} as Subject)).rejects.toThrow(/none of 40/)
  expect(asked).toHaveLength(40)
})

test('it tells how far it is, stops when told to, and goes on with what is missing', async () => {
  const patient = options({ prompt: 'patient {answer}' })
  answer = (response) => setTimeout(() => say(response, 'Score: 5'), 5)
  const controller = new AbortController()
  const told: number[] = []
  const progress = (done: number): void => {
    told.push(done)
    if (done === 10) controller.abort(new Error('enough'))
  }
  const stopped = { signal: controller.signal, progress } as unknown as Subject
  await expect(judgedTask(taskOf(many), patient).evaluate(stopped)).rejects.toThrow('enough')
  expect(asked.length).toBeLessThan(16)
  const kept = told.at(-1)!
  asked = []
  told.length = 0
  const rest = { progress: (done: number) => void told.push(done) } as unknown as Subject
  const outcome = await judgedTask(taskOf(many), patient).evaluate(rest)
  expect(outcome.items).toHaveLength(40)
  // A call that was under way when it stopped may arrive late; its answer is asked for again.
  expect(new Set(asked.map(({ body }) => body.messages[0]!.content)).size).toBe(40 - kept)
  expect(told.at(-1)).toBe(40)
})
