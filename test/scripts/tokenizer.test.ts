import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Template } from '@huggingface/jinja'
import { Tokenizer as Library } from '@huggingface/tokenizers'
import { afterAll, describe, expect, it } from 'vitest'
import { join, learnTokens, mergesOf } from '../../scripts/tokenizer/bpe.ts'
import { tokenizerConfig, tokenizerJson } from '../../scripts/tokenizer/files.ts'
import { projectTexts } from '../../scripts/tokenizer/project-text.ts'
import { learnVocabulary, VOCABULARY_SIZE } from '../../scripts/tokenizer/vocabulary.ts'
import { CHARACTERS, countWords, SPACE } from '../../scripts/tokenizer/words.ts'
import { openTokenizer } from '../../src/data/index.ts'

const TEXTS = [
  'The barrel-maker (aged 64) mends barrels; a barrel holds 225 litres.\nBarrels are mended by the barrel-maker.',
  'Which wood is best for barrels?\n\nOak. The barrel-maker says: oak for the barrel, and oak for the lid.',
]

const vocabulary = learnVocabulary(TEXTS)
const learned = vocabulary.tokens.slice(360, 360 + vocabulary.learned)

const folder = mkdtempSync(path.join(tmpdir(), 'medtune-tokenizer-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(tokenizerJson(vocabulary)))
writeFileSync(path.join(folder, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig()))

describe('words', () => {
  it('keep the space in front, and part letters, digits and marks', () => {
    expect([...countWords(['a  cut, 12 mm\ndeep – é (a)'])]).toEqual([
      ['a', 2],
      [SPACE, 3],
      ['▁cut', 1],
      [',', 1],
      ['▁1', 1],
      ['2', 1],
      ['▁mm', 1],
      ['deep', 1],
      ['▁(', 1],
      [')', 1],
    ])
  })
})

describe('learnTokens', () => {
  it('joins the most frequent neighbours first, and of equal ones the first by character code', () => {
    const counts = new Map([
      ['abc', 3],
      ['bcd', 2],
      ['xy', 3],
    ])
    // bc 5, then abc 3 before xy 3, then bcd 2.
    expect(learnTokens(counts, 10)).toEqual(['bc', 'abc', 'xy', 'bcd'])
    expect(learnTokens(counts, 2)).toEqual(['bc', 'abc'])
  })

  it('learns nothing that occurs once', () => {
    expect(learnTokens(new Map([['once', 1]]), 10)).toEqual([])
  })

  it('does not depend on the order of the words', () => {
    const counts = [...countWords(TEXTS)]
    expect(learnTokens(new Map(counts.toReversed()), 500)).toEqual(learnTokens(new Map(counts), 500))
  })
})

describe('mergesOf', () => {
  it('lists every way of making a token, in the order of learning', () => {
    expect(mergesOf(['bc', 'ab', 'abc'], ['a', 'b', 'c'])).toEqual([
      ['b', 'c'],
      ['a', 'b'],
      ['a', 'bc'],
      ['ab', 'c'],
    ])
  })
})

describe('learnVocabulary', () => {
  it('has exactly 2,048 distinct tokens, of which the controls have fixed ids', () => {
    expect(vocabulary.tokens).toHaveLength(VOCABULARY_SIZE)
    expect(VOCABULARY_SIZE).toBe(2048)
    expect(new Set(vocabulary.tokens).size).toBe(2048)
    expect(vocabulary.tokens.slice(0, 9)).toEqual([
      '<pad>',
      '<eos>',
      '<bos>',
      '<unk>',
      '<mask>',
      '<start_of_turn>',
      '<end_of_turn>',
      '\n',
      '\n\n',
    ])
    expect(vocabulary.tokens[9]).toBe('<0x00>')
    expect(vocabulary.tokens[264]).toBe('<0xFF>')
    expect(vocabulary.tokens.slice(265, 360)).toEqual(CHARACTERS)
    expect(vocabulary.tokens.at(-1)).toBe(`<unused${2048 - 360 - vocabulary.learned - 1}>`)
  })

  it('is the same again from the same texts', () => {
    expect(learnVocabulary(TEXTS)).toEqual(vocabulary)
  })

  it('merges only what lies within a word', () => {
    expect(learned).toContain('▁barrel')
    for (const token of learned) expect(token).toMatch(/^▁?([A-Za-z]+|[!-~])$/)
    for (const [left, right] of vocabulary.merges) expect(learned).toContain(left + right)
  })

  it('fills the room of a long text', () => {
    const words = Array.from(
      { length: 3000 },
      (_, i) => `w${[...`${i}`].map((d) => 'abcdefghij'[+d]).join('')}`,
    )
    const full = learnVocabulary([words.join(' '), words.join(' ')])
    expect(full.learned).toBe(2048 - 360)
    expect(full.tokens).toHaveLength(2048)
  })
})

describe('the written tokenizer', () => {
  const library = new Library(
    JSON.parse(readFileSync(path.join(folder, 'tokenizer.json'), 'utf8')),
    JSON.parse(readFileSync(path.join(folder, 'tokenizer_config.json'), 'utf8')),
  )
  const samples = [
    ...TEXTS,
    'Café – 5 µg/kg 🩺 naïve',
    '  two  spaces and a\ttab',
    'three\n\n\nnewlines\n',
    '▁ itself becomes a space',
  ]

  it('joins in the library as it was learned', () => {
    const ranks = new Map(learned.map((token, rank) => [token, rank]))
    for (const word of countWords(TEXTS).keys()) {
      // A word without its space mark starts a text; with it, the space is written out.
      const { tokens } = library.encode(word.replace(SPACE, ' '), { add_special_tokens: false })
      expect(tokens).toEqual(join([...word], ranks))
    }
  })

  it('gives every text back, whatever its characters, through openTokenizer', async () => {
    const tokenizer = await openTokenizer(folder)
    expect(tokenizer.vocabSize).toBe(2048)
    expect(tokenizer.bosId).toBe(2)
    for (const text of samples) {
      const { ids } = tokenizer.encode([{ text, train: true }])
      expect(tokenizer.decode(ids)).toBe(text.replaceAll(SPACE, ' '))
      expect([...ids]).toEqual(library.encode(text, { add_special_tokens: false }).ids)
      expect(ids).not.toContain(3)
    }
  })

  it('spells what has no token in UTF-8 bytes', async () => {
    const { ids } = (await openTokenizer(folder)).encode([{ text: 'é', train: true }])
    expect([...ids].map((id) => vocabulary.tokens[id])).toEqual(['<0xC3>', '<0xA9>'])
  })

  it('finds newlines whole and keeps merges off them', async () => {
    const { ids } = (await openTokenizer(folder)).encode([{ text: 'the\n\nbarrel\nthe\n\n\n', train: true }])
    const tokens = [...ids].map((id) => vocabulary.tokens[id]!)
    expect(tokens.filter((token) => token.includes('\n'))).toEqual(['\n\n', '\n', '\n\n', '\n'])
    expect(tokens.every((token) => /^\n+$/.test(token) || !token.includes('\n'))).toBe(true)
  })

  it('begins with <bos> where special tokens are added', () => {
    expect(library.encode('oak').ids[0]).toBe(2)
  })
})

describe('the chat template', () => {
  const template = new Template((tokenizerConfig() as { readonly chat_template: string }).chat_template)
  const render = (messages: readonly object[], add_generation_prompt = false): string =>
    template.render({ messages, bos_token: '<bos>', add_generation_prompt })

  it('folds the system text into the first turn, untrimmed, and trims the turns', () => {
    const messages = [
      { role: 'system', content: ' Be brief. ' },
      { role: 'user', content: ' Why?\n' },
      { role: 'assistant', content: '\nSo. ' },
      {
        role: 'user',
        content: [
          { type: 'text', text: ' And ' },
          { type: 'text', text: 'then? ' },
        ],
      },
    ]
    expect(render(messages, true)).toBe(
      '<bos><start_of_turn>user\n Be brief. \n\nWhy?<end_of_turn>\n<start_of_turn>model\nSo.<end_of_turn>\n' +
        '<start_of_turn>user\nAndthen?<end_of_turn>\n<start_of_turn>model\n',
    )
  })

  it('takes the system text from a list of parts', () => {
    const messages = [
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', content: 'Why?' },
    ]
    expect(render(messages)).toBe('<bos><start_of_turn>user\nBe brief.\n\nWhy?<end_of_turn>\n')
  })

  it('refuses turns out of order', () => {
    const user = { role: 'user', content: 'Why?' }
    expect(() => render([user, user])).toThrow(/alternate/)
    expect(() => render([{ role: 'assistant', content: 'So.' }])).toThrow(/alternate/)
  })
})

describe("the embedded model's tokenizer", () => {
  const shipped = path.resolve(import.meta.dirname, '../../models/tiny-gemma3')
  const readJson = (name: string): object => JSON.parse(readFileSync(path.join(shipped, name), 'utf8'))
  const texts = projectTexts()

  it('is what the scripts make of the text in the repository', () => {
    expect(readJson('tokenizer.json')).toEqual(tokenizerJson(learnVocabulary(texts)))
    expect(readJson('tokenizer_config.json')).toEqual(tokenizerConfig())
  })

  it('has the size and the control ids of config.json', async () => {
    const tokenizer = await openTokenizer(shipped)
    expect(readJson('config.json')).toMatchObject({
      vocab_size: tokenizer.vocabSize,
      bos_token_id: tokenizer.tokenId('<bos>'),
      eos_token_id: [tokenizer.tokenId('<eos>'), tokenizer.tokenId('<end_of_turn>')],
      pad_token_id: tokenizer.tokenId('<pad>'),
    })
  })

  it('gives all text of the project back, in few tokens', async () => {
    const tokenizer = await openTokenizer(shipped)
    let tokens = 0
    let words = 0
    for (const text of texts) {
      const { ids } = tokenizer.encode([{ text, train: true }])
      expect(tokenizer.decode(ids)).toBe(text)
      tokens += ids.length
      words += text.match(/[A-Za-z0-9]+|[^A-Za-z0-9\s]/g)!.length
    }
    expect(tokens / words).toBeLessThan(1.1)
  })
})
