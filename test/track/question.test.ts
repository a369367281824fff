/** @file What counts as the same question where answers of two models are paired. */
import { expect, test } from 'vitest'
import { pairItems, questionOf } from '../../src/track/compare/question.ts'

const item = (id: string, detail: Readonly<Record<string, unknown>> = {}) => ({
  id,
  question: questionOf(detail),
  detail,
})
const asked = { prompt: 'Which?', reference: 'A', choices: ['A', 'B'] }

test.each([
  ['word for word', asked, { prompts: 0 }],
  ['behind examples', { ...asked, prompt: 'One? B\n\nWhich?', question: 'Which?' }, { prompts: 1 }],
  ['whatever was said to it', { ...asked, prediction: 'B', logprobs: [-1, -2] }, { prompts: 0 }],
])('the same question: %s', (_, other, { prompts }) => {
  const first = [item('1', { ...asked, prediction: 'A' })]
  const second = [item('1', other), item('2', asked)]
  const found = pairItems(first, second)
  expect(found.pairs).toEqual([[first[0], second[0]]])
  expect(found).toMatchObject({ other: 0, alone: 1, reworded: prompts })
})

test.each([
  ['words', { ...asked, prompt: 'Who?' }],
  ['right answer', { ...asked, reference: 'B' }],
  ['choices', { ...asked, choices: ['A', 'B', 'C'] }],
  // A long question that ends alike is another one.
  ['beginning', { ...asked, prompt: `In adults: ${'x'.repeat(500)} Which?` }],
])('another question under the same id: another %s', (_, other) => {
  expect(pairItems([item('1', asked)], [item('1', other)])).toMatchObject({ pairs: [], other: 1, alone: 0 })
})

test('a text that is scored is known by its fingerprint, and what says nothing by its id', () => {
  const loss = (document: string) => [item('1', { document })]
  expect(pairItems(loss('a1'), loss('a1')).pairs).toHaveLength(1)
  expect(pairItems(loss('a1'), loss('b2'))).toMatchObject({ pairs: [], other: 1 })
  expect(pairItems([item('1')], [item('1')]).pairs).toHaveLength(1)
})
