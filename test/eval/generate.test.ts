/** @file Answers from tokens: texts that end an answer, what is told when, and prompts that are refused. */
import { expect, test } from 'vitest'
import type { DecodePrompts, DecodeRequest } from '../../src/compute/generation/index.ts'
import { createGenerator } from '../../src/eval/generate.ts'
import type { Generation } from '../../src/plugin/contract.ts'

/** Token i is the i-th of these pieces of text. */
const PIECES = ['Hello', ' wor', 'ld', '\n', '\nQ', 'uestion', ' x', '<end>']

/** "Generates" the given tokens for every prompt; runs on for a few after one who listens has ended it, as a thread would. */
function generatorOf(tokens: readonly number[], asked: DecodeRequest[] = []) {
  const decode: DecodePrompts = async (request, control = {}) => {
    asked.push(request)
    return request.prompts.map((_, prompt) => {
      const ids: number[] = []
      let late = 0
      for (const id of tokens) {
        if (late > 2) break
        ids.push(id)
        control.onToken?.(prompt, id)
        if (control.ended?.(prompt)) late++
      }
      control.onDone?.(prompt)
      return {
        ids: Int32Array.from(ids),
        finish: 'length' as const,
        logProbs: Float32Array.from(ids, (id) => -id),
      }
    })
  }
  const decodeText = (ids: ArrayLike<number>): string => Array.from(ids, (id) => PIECES[id]).join('')
  return createGenerator({ decode, tokenizer: { decodeText }, stopTokens: [7], maxLength: 10, gain: 1 })
}

const prompt = Int32Array.of(1, 2)

test('an answer is cut before the first stop text, which may begin inside one token and end inside another', async () => {
  const pieces: string[] = []
  const generate = generatorOf([0, 1, 2, 3, 4, 5, 6, 6, 6])
  const [answer] = await generate(
    [prompt],
    { max_tokens: 9, stop: ['\n\nQuest', 'never'], log_probs: true },
    (text) => pieces.push(text),
  )
  expect(answer).toMatchObject({ text: 'Hello world', finish: 'stop' })
  // Up to the token that completed it, and no further.
  expect([...answer!.ids]).toEqual([0, 1, 2, 3, 4, 5])
  expect([...answer!.logProbs!]).toEqual([-0, -1, -2, -3, -4, -5])
  expect(pieces.join('')).toBe('Hello world')
})

test('what may begin a stop text is told once it does not', async () => {
  const pieces: string[] = []
  const generate = generatorOf([0, 3, 1, 3, 4])
  const [answer] = await generate([prompt], { max_tokens: 5, stop: ['\n\n\n', 'ld'] }, (text) =>
    pieces.push(text),
  )
  expect(pieces).toEqual(['Hello', '\n wor', '\n\nQ'])
  expect(answer).toMatchObject({ text: 'Hello\n wor\n\nQ', finish: 'length' })
})

test('one token at a time is asked for only where someone listens', async () => {
  const asked: DecodeRequest[] = []
  const generate = generatorOf([0, 1, 2], asked)
  const [answer] = await generate([prompt], { max_tokens: 3, temperature: 0.5, top_k: 3, seed: 8, first: 5 })
  expect(answer).toMatchObject({ text: 'Hello world', finish: 'length' })
  expect(asked[0]).toMatchObject({
    stop: [7],
    first: 5,
    gain: 1,
    maxTokens: 3,
    sampling: { temperature: 0.5, topK: 3, topP: 1, minP: 0, repetitionPenalty: 1, seed: 8 },
  })
  await generate([prompt], { max_tokens: 3, stop_tokens: [] })
  expect(asked[1]!.stop).toEqual([])
})

test('options out of their range are refused', async () => {
  const generate = generatorOf([0])
  const refused = [
    { max_tokens: 0 },
    { max_tokens: 1.5 },
    { max_tokens: 1, temperature: -1 },
    { max_tokens: 1, temperature: Number.NaN },
    { max_tokens: 1, top_p: 0 },
    { max_tokens: 1, min_p: 2 },
    { max_tokens: 1, top_k: -1 },
    { max_tokens: 1, repetition_penalty: 0 },
    { max_tokens: 1, seed: -3 },
    {} as { max_tokens: number },
  ]
  for (const options of refused)
    await expect(generate([prompt], options), JSON.stringify(options)).rejects.toThrow('must be')
})

test('a prompt without tokens, or without room behind it, is refused before anything is asked', async () => {
  const asked: DecodeRequest[] = []
  const generate = generatorOf([0], asked)
  const error = (prompts: Int32Array[]) =>
    generate(prompts, { max_tokens: 1 }).catch((reason: Error) => reason)
  expect(await error([prompt, new Int32Array()])).toMatchObject({
    name: 'InputError',
    message: expect.stringContaining('prompt 2 has no tokens'),
  })
  expect(await error([new Int32Array(10)])).toMatchObject({
    name: 'InputError',
    message: expect.stringContaining('prompt 1 has 10 tokens; the model has 10 positions'),
  })
  expect(asked).toEqual([])
})

test('one who keeps answers hears each as it comes back, once it is whole, and gives the prompts their numbers', async () => {
  const asked: DecodeRequest[] = []
  for (const [tokens, stop] of [
    [[0, 1, 2, 7], []],
    [[0, 1, 2], []],
    [[0, 1, 2, 3, 4, 5, 6, 6, 6], ['\n\nQuest']],
  ] as const) {
    const heard: [number, Generation][] = []
    const keeper = {
      numbers: [5, 9],
      onAnswer: (at: number, answer: Generation) => void heard.push([at, answer]),
    }
    const answers = await generatorOf(tokens, asked)(
      [prompt, prompt],
      { max_tokens: 9, stop },
      undefined,
      keeper,
    )
    expect(heard).toEqual(answers.map((answer, at) => [at, answer]))
    expect(answers[0]!.finish).toBe(tokens.at(-1) === 2 ? 'length' : 'stop')
    expect(answers[0]!.text.startsWith('Hello world')).toBe(true)
    expect(asked.at(-1)!.numbers).toEqual([5, 9])
  }
})
