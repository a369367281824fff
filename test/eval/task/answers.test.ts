import { expect, test } from 'vitest'
import { majority, readAnswer, similarity } from '../../../src/eval/task/answers.ts'

const LETTERS = ['A', 'B', 'C', 'D']
const OPTIONS = ['metformin', 'insulin glargine', 'watchful waiting', 'chloroquine toxicity']
const read = (rule: 'strict' | 'flexible', text: string) => {
  const { choices, by } = readAnswer(rule, text, LETTERS, OPTIONS)
  return [choices.map((choice) => LETTERS[choice]).join(''), by]
}

test.each([
  ['The answer is B.', 'B'],
  ['... so the answer is (C), not A', 'C'],
  ['Answer: **D**', 'D'],
  ['I first thought the answer is A. But no: the answer is B.', 'AB'],
  ['The answer is A.\n\n## Final Response\n\nThe answer is D.', 'D'],
  ['Final Answer: The answer is C', 'C'],
  ['the answer is Because', ''],
  ['B', ''],
  ['insulin glargine', ''],
  ['', ''],
])('strict: %j', (text, expected) => {
  expect(read('strict', text)).toEqual([expected, expected === '' ? 'none' : 'stated'])
})

test.each([
  ['The answer is B, though A is tempting.', 'B', 'stated'],
  ['B', 'B', 'alone'],
  ['(C) fits best. A patient like this needs D', 'CD', 'alone'],
  ['A patient with sugar', '', 'similar'],
  ['I would give insulin glargine, later metformin.', 'BA', 'option'],
  ['Thinking: A or B.\n## Final Response\nwatchful waiting', 'C', 'option'],
  ['toxicity of chloroquin', 'D', 'similar'],
  ['  ', '', 'none'],
])('flexible: %j', (text, expected, by) => {
  const [choices, how] = read('flexible', text)
  expect(how).toBe(by)
  if (expected !== '') expect(choices).toBe(expected)
})

test('choices that are words', () => {
  const words = (rule: 'strict' | 'flexible', text: string) =>
    readAnswer(rule, text, ['yes', 'no', 'maybe'], ['yes', 'no', 'maybe']).choices
  expect(words('strict', 'The answer is Maybe.')).toEqual([2])
  expect(words('strict', 'The answer is not clear')).toEqual([])
  expect(words('flexible', 'There is no doubt: yes')).toEqual([1, 0])
  expect(words('flexible', 'nobody knows')).toEqual([1])
})

test("similarity is difflib's ratio", () => {
  // difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()
  expect(similarity('metformin', 'start metformin 500 mg')).toBeCloseTo(0.5806451612903226, 12)
  expect(similarity('abc', 'cab')).toBeCloseTo(0.6666666666666666, 12)
  expect(similarity('', 'x')).toBe(0)
  expect(similarity('chronic choroiditis', 'chronic retinal disease with choroiditis')).toBeCloseTo(
    0.6440677966101694,
    12,
  )
})

test('a majority, and what it is of no votes or equally many', () => {
  expect(majority([2, 1, undefined, 1])).toBe(1)
  expect(majority([3, 0, 0, 3])).toBe(3)
  expect(majority([undefined])).toBeUndefined()
})
