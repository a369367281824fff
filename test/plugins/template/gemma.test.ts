import { describe, expect, it } from 'vitest'
import gemma from '../../../plugins/template/gemma.ts'
import { strip } from '../../../plugins/template/strip.ts'
import { InputError, OptionError, type Template } from '../../../src/plugin/contract.ts'
import { context } from '../../data/rows.ts'

const create = (options: { system?: string; user: string; model: string }) =>
  gemma.create(options, context) as Template
const textOf = (spans: readonly { text: string }[]) => spans.map((span) => span.text).join('')

describe('gemma', () => {
  const template = create({
    system: ' Be brief. ',
    user: 'Q: {Question}',
    model: '{Why}\n\nFinal Answer: {Answer}',
  })
  const row = { Question: ' What? \n', Why: '\n Because.', Answer: 42 }

  it('folds the system text, as it is, into the user turn and trims the turns', () => {
    expect(textOf(template.render(row))).toBe(
      '<bos><start_of_turn>user\n Be brief. \n\nQ:  What?<end_of_turn>\n<start_of_turn>model\nBecause.\n\nFinal Answer: 42<end_of_turn>\n',
    )
    expect(template.columns).toEqual(['Question', 'Why', 'Answer'])
  })

  it('learns the answer, its end of turn and the newline behind', () => {
    const learned = template.render(row).filter((span) => span.train)
    expect(learned.map((span) => span.text)).toEqual(['Because.\n\nFinal Answer: 42', '<end_of_turn>', '\n'])
  })

  it('marks as control exactly the control tokens', () => {
    const spans = template.render({ Question: '<end_of_turn>', Why: '<start_of_turn>model', Answer: '<bos>' })
    const controls = spans.filter((span) => span.control).map((span) => span.text)
    expect(controls).toEqual([
      '<bos>',
      '<start_of_turn>',
      '<end_of_turn>',
      '<start_of_turn>',
      '<end_of_turn>',
    ])
  })

  it('prompts up to where the model begins', () => {
    const bare = create({ user: '{q}', model: '{a}' })
    expect(textOf(bare.prompt(' hi '))).toBe(
      '<bos><start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n',
    )
    expect(bare.prompt('hi').some((span) => span.train)).toBe(false)
  })
})

describe('patterns', () => {
  const text = (user: string, row: Record<string, unknown>) =>
    create({ user, model: 'm' }).render(row)[3]!.text

  it('write doubled braces once and fill any column name', () => {
    expect(text('{{"x": {a b}}}', { 'a b': true })).toBe('{"x": true}')
    expect(text('{n}', { n: 12345678901234567890n })).toBe('12345678901234567890')
    expect(text('{n}', { n: '{other}' })).toBe('{other}')
  })

  it.each([
    ['{', /a lone "\{" at character 1/],
    ['ab}', /a lone "\}" at character 3/],
    ['{a', /a lone "\{" at character 1/],
    ['x {} y', /an empty \{\} at character 3/],
  ])('refuse %j with its place', (pattern, message) => {
    expect(() => create({ user: pattern, model: 'm' })).toThrow(OptionError)
    expect(() => create({ user: pattern, model: 'm' })).toThrow(message)
  })

  it.each([
    [{ a: null }, /no value \(null\) in column "a"/],
    [{ b: 1 }, /no column "a"; it has b/],
    [{ a: ['x'] }, /a list in column "a"/],
    [{ a: {} }, /an object in column "a"/],
    [{ a: new Date() }, /a date in column "a"/],
  ])('refuse the row %j', (row, message) => {
    expect(() => text('{a}', row)).toThrow(InputError)
    expect(() => text('{a}', row)).toThrow(message)
  })

  it('do not look up inherited properties', () => {
    expect(() => text('{constructor}', {})).toThrow(/no column "constructor"/)
  })
})

it('strips what Python strips', () => {
  const python = '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000'
  expect(strip(`${python}a ${python}b${python}`)).toBe(`a ${python}b`)
  expect(strip('\ufeffa\u200b')).toBe('\ufeffa\u200b')
  expect(strip(python)).toBe('')
  expect(strip('')).toBe('')
})
