import { expect, test } from 'vitest'
import { fillTaskPattern, parseTaskPattern } from '../../../src/eval/task/pattern.ts'

const row = { q: ' Why? ', n: 3, list: ['a', 'b'], context: { contexts: ['x', 'y'] }, none: null }
const fill = (pattern: string) => fillTaskPattern(parseTaskPattern(pattern), row)

test('fields, ways into them, filters and braces', () => {
  expect(fill('Q:{q}|{n}')).toBe('Q: Why? |3')
  expect(fill('{q|strip} {{q}} {list.1} {context.contexts|lines}')).toBe('Why? {q} b x\ny')
  expect(fill('{list|json}')).toBe('["a","b"]')
  expect(parseTaskPattern('{context.contexts.0} {q} {q|strip}').columns).toEqual(['context', 'q'])
})

test.each([
  ['{list}', /"list" is a list; write \{list\|lines\}/],
  ['{context}', /"context" is an object; write \{context\.key\}/],
  ['{none}', /"none" is null/],
  ['{list.4}', /no field "list\.4"; there is: 0, 1/],
  ['{q.x}', /no field "q\.x"; there is: no keys/],
  ['{toString}', /no field "toString"/],
  ['{Q}', /no field "Q"; there is: q, n, list, context, none/],
  ['{q', /a lone "\{" at character 1/],
  ['a}', /a lone "\}" at character 2/],
  ['{}', /an empty field/],
  ['{q|upper}', /no filter is named "upper"; allowed: strip, lines, json/],
])('%s is refused', (pattern, message) => {
  expect(() => fill(pattern)).toThrow(message)
})
