import { describe, expect, it } from 'vitest'
import gemma from '../../../plugins/template/gemma.ts'
import plain from '../../../plugins/template/plain.ts'
import { readTurns, recogniseForm } from '../../../src/data/forms.ts'
import { InputError, OptionError, type Row, type Template } from '../../../src/plugin/contract.ts'
import { context } from '../../data/rows.ts'

type GemmaOptions = Parameters<typeof gemma.create>[0]
const chat = (options: GemmaOptions = {}) => gemma.create(options, context) as Template
const bare = (options: object = {}) => plain.create({ bos: true, eos: true, ...options }, context) as Template
/** The text of a row with what is learned in brackets. */
const shown = (template: Template, row: Row) =>
  template
    .render(row)
    .map(({ text, train }) => (train ? `[${text}]` : text))
    .join('')
    .replaceAll('][', '')

const TURNS = [
  { role: 'user', content: 'a' },
  { role: 'assistant', content: 'b' },
  { role: 'user', content: 'c' },
  { role: 'assistant', content: 'd' },
]
const SHAREGPT = [
  { from: 'human', value: 'a' },
  { from: 'gpt', value: 'b' },
]
const ONE = '<bos><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\n[b<end_of_turn>\n]'

describe('each form is recognised by its columns and rendered alike', () => {
  it.each<[string, Row]>([
    ['messages', { messages: TURNS.slice(0, 2) }],
    ['messages', { messages: [TURNS[0], { role: 'model', content: [{ type: 'text', text: 'b' }] }] }],
    ['sharegpt', { conversations: SHAREGPT }],
    ['sharegpt', { conversations: TURNS.slice(0, 2) }],
    ['prompt-completion', { prompt: 'a', completion: 'b' }],
    ['prompt-completion', { prompt: [TURNS[0]], completion: [TURNS[1]] }],
    ['alpaca', { instruction: 'a', input: '', output: 'b' }],
    ['alpaca', { instruction: 'a', output: 'b', text: 'Below is an instruction ...' }],
    ['messages', { prompt: 'a', prompt_id: '1', messages: TURNS.slice(0, 2) }],
  ])('%s %#', (form, row) => {
    const template = chat()
    expect(template.columns).toEqual([])
    expect(template.form!(row)).toBe(form)
    expect(shown(template, row)).toBe(ONE)
    expect(shown(chat({ form: form as 'messages' }), row)).toBe(ONE)
  })

  it('alpaca puts its input behind the instruction', () => {
    const row = { instruction: 'Sum up.', input: 'Long text.', output: 'Short.' }
    expect(readTurns(row, 'alpaca', 'all')[0]!.content).toBe('Sum up.\n\nLong text.')
  })

  it('text and prompt with completion go into the template plain', () => {
    expect(shown(bare(), { text: 'all' })).toBe('<bos>[all<eos>]')
    expect(shown(bare(), { prompt: 'a', completion: ' b' })).toBe('<bos>a[ b<eos>]')
    expect(bare().form!({ text: 'all' })).toBe('text')
    expect(bare({ form: 'text' }).columns).toEqual(['text'])
  })
})

describe('several turns', () => {
  const row = { messages: TURNS }
  it('are learned all, or the last', () => {
    const open = '<bos><start_of_turn>user\na<end_of_turn>\n<start_of_turn>model\n'
    const middle = '<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n[d<end_of_turn>\n]'
    expect(shown(chat(), row)).toBe(`${open}[b<end_of_turn>\n]${middle}`)
    expect(shown(chat({ loss_on: 'last' }), row)).toBe(`${open}b<end_of_turn>\n${middle}`)
  })

  it('of a prompt are not learned', () => {
    const learned = readTurns(
      { prompt: TURNS.slice(0, 3), completion: TURNS.slice(3) },
      'prompt-completion',
      'all',
    )
    expect(learned.map(({ train }) => train)).toEqual([false, false, false, true])
  })

  it('keep a system text of their own, and get the one of the recipe where they have none', () => {
    const template = chat({ system: 'S' })
    const own = { messages: [{ role: 'system', content: 'mine' }, ...TURNS] }
    expect(shown(template, own)).toContain('user\nmine\n\na<end_of_turn>')
    expect(shown(template, row)).toContain('user\nS\n\na<end_of_turn>')
    expect(shown(template, { conversations: SHAREGPT, system: 'column' })).toContain('user\ncolumn\n\na')
    expect(
      template
        .prompt('q')
        .map(({ text }) => text)
        .join(''),
    ).toContain('user\nS\n\nq<end_of_turn>')
  })

  it.each([
    [[TURNS[0], TURNS[0], TURNS[1]], /has a user turn after a user turn \(turn 2 of 3\)/],
    [[TURNS[1]], /has an assistant turn at the beginning \(turn 1 of 1\), where the user must follow/],
    [[{ role: 'tool', content: 'x' }], /tool turn at the beginning/],
    [[TURNS[0], { role: 'system', content: 'x' }], /a system turn after a user turn/],
    [[{ role: 'system', content: 'x' }], /no turn of the user/],
    [[], /an empty list in column "messages"/],
    [null, /no value \(null\) in column "messages"/],
    ['text', /a string in column "messages"/],
    [['text'], /a string at messages\[0\]/],
    [[{ content: 'x' }], /nothing as messages\[0\]\.role/],
    [[{ role: 'user', content: null }], /no value \(null\) as messages\[0\]\.content/],
    [
      [{ role: 'user', content: [{ type: 'image' }] }],
      /a part of type "image" at messages\[0\]\.content\[0\]/,
    ],
  ])('are refused with the place: %j', (messages, message) => {
    expect(() => chat().render({ messages })).toThrow(InputError)
    expect(() => chat().render({ messages })).toThrow(message)
  })

  it('of an unknown speaker are refused', () => {
    const conversations = [{ from: 'robot', value: 'x' }]
    expect(() => chat().render({ conversations })).toThrow(
      /the speaker "robot" at conversations\[0\]; known are/,
    )
  })
})

describe('what does not fit is refused', () => {
  it.each<[() => unknown, RegExp]>([
    [
      () => recogniseForm({ q: '', a: '' }),
      /has columns q, a, which is no form that is recognised \(messages;/,
    ],
    [() => chat().form!({ text: '' }), /take the template plain/],
    [() => bare().form!({ messages: [] }), /is in the form messages .*take a chat template/],
    [() => bare().render({ prompt: TURNS, completion: 'x' }), /has turns in column "prompt"/],
    [() => chat({ form: 'alpaca' }).render({ instruction: '' }), /no column "output", as form alpaca needs/],
  ])('rows %#', (attempt, message) => {
    expect(attempt).toThrow(InputError)
    expect(attempt).toThrow(message)
  })

  it.each<[() => unknown, string]>([
    [() => chat({ user: 'x' }), 'user'],
    [() => chat({ model: 'x' }), 'model'],
    [() => chat({ user: 'x', model: 'y', form: 'alpaca' }), 'form'],
    [() => chat({ user: 'x', model: 'y', loss_on: 'last' }), 'loss_on'],
    [() => chat({ form: 'text' }), 'form'],
    [() => bare({ text: '{x}', form: 'text' }), 'form'],
  ])('options %#', (attempt, path) => {
    try {
      attempt()
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(OptionError)
      expect((error as OptionError).path).toBe(path)
    }
  })
})
