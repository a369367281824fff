import { expect, test } from 'vitest'
import { exactMatch, rougeL, tokenF1 } from '../../../src/eval/task/text-metrics.ts'

test('exact match and F1 leave out case, punctuation and articles', () => {
  expect(exactMatch('The  Liver.', 'liver')).toBe(1)
  expect(exactMatch('liver and spleen', 'liver')).toBe(0)
  expect(tokenF1('The liver, and the spleen', 'liver')).toBeCloseTo((2 * (1 / 3) * 1) / (1 / 3 + 1), 12)
  expect(tokenF1('liver liver', 'liver')).toBeCloseTo(2 / 3, 12)
  expect(tokenF1('', '')).toBe(1)
  expect(tokenF1('', 'liver')).toBe(0)
})

test('ROUGE-L is the F-measure of the longest common subsequence', () => {
  // Lin 2004: "police kill the gunman" and "the gunman kill police" against "police killed the gunman": 3 and 2 of 4.
  expect(rougeL('police kill the gunman', 'police killed the gunman')).toBeCloseTo(0.75, 12)
  expect(rougeL('the gunman kill police', 'police killed the gunman')).toBeCloseTo(0.5, 12)
  // P 2/3, R 2/5.
  expect(rougeL('Fever, cough!', 'fever and a dry cough')).toBeCloseTo((2 * 2) / (2 + 5), 12)
  expect(rougeL('', 'x')).toBe(0)
})
