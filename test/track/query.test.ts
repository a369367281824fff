import { expect, test } from 'vitest'
import { parseQuery } from '../../src/track/query.ts'

const fields: Record<string, unknown> = {
  '*': ['2026-run-7', 'my try', 'done', 'best'],
  name: 'my try',
  status: 'done',
  loss: 1.5,
  rank: 16,
  tag: ['best', 'v2'],
  bad: Number.NaN,
  started: '2026-11-22T10:00:00Z',
  pack: true,
  'eval.exam.accuracy': 0.7,
}
const holds = (text: string): boolean => parseQuery(text)((field) => fields[field])

test.each([
  ['', true],
  ['try', true],
  ['TRY best', true],
  ['try nothing', false],
  ['/^2026.*7$/', true],
  ['status = done and loss < 2', true],
  ['status=done loss>2', false],
  ['loss > 2 or rank >= 16', true],
  ['loss > 2 or rank >= 16 and status = failed', false],
  ['(loss > 2 or rank >= 16) and status = done', true],
  ['not status = done', false],
  ['not (loss > 2) and not nothing', true],
  ['tag = best', true],
  ['tag != best', false],
  ['tag != worst', true],
  ['name ~ "^my"', false],
  ['name ~ /^my/', true],
  ['name !~ /^my/', false],
  ['"my try"', true],
  ['bad = NaN', true],
  ['bad < 1', false],
  ['loss = abc', false],
  ['missing < 1', false],
  ['missing != 1', true],
  ['started >= 2026-11-01', true],
  ['pack = true', true],
  ['eval.exam.accuracy>=.7', true],
  ['rank = 16 and pack = "true"', true],
  ['AND_not_a_word', false],
])('%s: %s', (text, expected) => {
  expect(holds(text)).toBe(expected)
})

test.each([
  ['loss >', 'expected a value, found "the end" (character 7)'],
  ['(loss > 1', 'expected ")"'],
  ['loss > 1)', 'expected "and", "or" or the end, found ")" (character 9)'],
  ['= 3', 'expected a field or a word, found "=" (character 1)'],
  ['"open', 'cannot read'],
  ['name ~ /(/', 'Invalid regular expression'],
  ['('.repeat(80), 'nested too deeply'],
])('%s is refused: %s', (text, message) => {
  expect(() => parseQuery(text)).toThrow(message)
})

test('a query cannot reach what is no field', () => {
  for (const text of ['constructor ~ "."', '__proto__ != 1', 'toString = x']) {
    const asked: string[] = []
    parseQuery(text)((field) => asked.push(field) && undefined)
    expect(asked).toHaveLength(1)
  }
})
