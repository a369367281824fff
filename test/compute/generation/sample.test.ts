import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Sampling } from '../../../src/compute/generation/index.ts'
import { chooseToken } from '../../../src/compute/generation/index.ts'
import { distribution } from '../../../src/compute/generation/sample.ts'

interface Cut {
  readonly setting: {
    readonly temperature: number
    readonly top_k?: number
    readonly top_p?: number
    readonly min_p?: number
    readonly repetition_penalty?: number
  }
  readonly logits: readonly number[]
  readonly seen: readonly number[]
  readonly kept: readonly number[]
  readonly probabilities: readonly number[]
}

const file = new URL('../../fixtures/generation/cuts.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: readonly Cut[] }

function samplingOf({ setting }: Cut, seed = 0): Sampling {
  const { temperature, top_k = 0, top_p = 1, min_p = 0, repetition_penalty = 1 } = setting
  return { temperature, topK: top_k, topP: top_p, minP: min_p, repetitionPenalty: repetition_penalty, seed }
}

describe('leaves the tokens that transformers leaves, with their probabilities', () => {
  test.each(cases.map((one) => [JSON.stringify(one.setting), one] as const))('%s', (_, one) => {
    const { ids, weights } = distribution(Float32Array.from(one.logits), one.seen, samplingOf(one))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    expect([...ids]).toEqual(one.kept)
    one.probabilities.forEach((probability, i) => {
      expect(weights[i]! / total).toBeCloseTo(probability, 5)
    })
  })
})

test('draws as often as the probabilities say', () => {
  const one = cases.find(({ setting }) => setting.min_p === 0.05)!
  const draws = 20_000
  const counts = new Map<number, number>()
  for (let index = 0; index < draws; index++) {
    const id = chooseToken(Float32Array.from(one.logits), one.seen, samplingOf(one, 9), 3, index)
    counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  one.kept.forEach((id, i) => {
    const p = one.probabilities[i]!
    // Four standard errors.
    const allowed = 4 * Math.sqrt((p * (1 - p)) / draws)
    expect(Math.abs((counts.get(id) ?? 0) / draws - p), `token ${id}`).toBeLessThan(allowed)
  })
  expect([...counts.keys()].every((id) => one.kept.includes(id))).toBe(true)
})

test('a draw depends on the seed, the prompt and the place, and on nothing else', () => {
  const one = cases[0]!
  const draw = (seed: number, prompt: number, index: number): number =>
    chooseToken(Float32Array.from(one.logits), [], samplingOf(one, seed), prompt, index)
  const line = (seed: number, prompt: number): number[] =>
    Array.from({ length: 40 }, (_, index) => draw(seed, prompt, index))
  expect(line(1, 0)).toEqual(line(1, 0))
  expect(line(1, 0)).not.toEqual(line(2, 0))
  expect(line(1, 0)).not.toEqual(line(1, 1))
  expect(line(1, 1)).not.toEqual(line(2, 0))
})

test('of equally likely tokens the first is taken, and numbers that ran away are told', () => {
  const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 }
  expect(chooseToken(Float32Array.of(1, 3, 3, 2), [], greedy, 0, 0)).toBe(1)
  expect(() => chooseToken(Float32Array.of(Number.NaN, Number.NaN), [], greedy, 0, 0)).toThrow('not numbers')
})
