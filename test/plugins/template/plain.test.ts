import { describe, expect, it } from 'vitest'
import plain from '../../../plugins/template/plain.ts'
import { OptionError, type Template } from '../../../src/plugin/contract.ts'
import { context } from '../../data/rows.ts'

const create = (options: {
  text?: string
  prompt?: string
  completion?: string
  bos?: boolean
  eos?: boolean
}) => plain.create({ bos: true, eos: true, ...options }, context) as Template

describe('plain', () => {
  it('learns all of a text, and its end', () => {
    expect(create({ text: 'A {x}.' }).render({ x: 1 })).toEqual([
      { text: '<bos>', train: false, control: true },
      { text: 'A 1.', train: true },
      { text: '<eos>', train: true, control: true },
    ])
    expect(create({ text: '{x}', bos: false, eos: false }).render({ x: ' a ' })).toEqual([
      { text: ' a ', train: true },
    ])
  })

  it('learns the completion only', () => {
    const template = create({ prompt: 'Q: {q}\nA:', completion: ' {a}' })
    expect(template.columns).toEqual(['q', 'a'])
    expect(template.render({ q: 'why', a: 'so' })).toEqual([
      { text: '<bos>', train: false, control: true },
      { text: 'Q: why\nA:', train: false },
      { text: ' so', train: true },
      { text: '<eos>', train: true, control: true },
    ])
    expect(template.prompt('how').map((span) => span.text)).toEqual(['<bos>', 'Q: how\nA:'])
  })

  it('puts a question alone where the pattern has no single place for it', () => {
    expect(create({ text: '{x}', bos: false }).prompt('how')).toEqual([{ text: 'how', train: false }])
    expect(create({ prompt: '{x}{y}', completion: '{z}', bos: false }).prompt('how')).toEqual([
      { text: 'how', train: false },
    ])
  })

  it.each([
    [{ text: 'a', prompt: 'b' }, 'prompt'],
    [{ text: 'a', completion: 'b' }, 'completion'],
    [{ prompt: 'b' }, 'prompt'],
    [{ completion: 'b' }, 'completion'],
    [{ text: 'a{' }, 'text'],
  ])('refuses %j at "%s"', (options, path) => {
    try {
      create(options)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(OptionError)
      expect((error as OptionError).path).toBe(path)
    }
  })
})
