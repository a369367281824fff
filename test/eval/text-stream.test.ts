/** @file Text told token by token: whole characters, and together the whole text, for the three kinds of decoders. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openTokenizer, type Tokenizer } from '../../src/data/index.ts'
import { TextStream } from '../../src/eval/text-stream.ts'
import { uniform } from '../../src/util/random.ts'
import { tempFolder } from '../helpers/temp.ts'
import { writeTinyTokenizer } from '../helpers/tiny-tokenizer.ts'

function told(tokenizer: Tokenizer, ids: readonly number[]): string[] {
  const stream = new TextStream((some) => tokenizer.decodeText(some))
  return [...ids.map((id) => stream.push(id)), stream.end()]
}

/** Byte-level merges, as Llama 3 and Qwen have: every byte is a character of its own in the vocabulary. */
async function byteLevel(): Promise<Tokenizer> {
  const folder = tempFolder()
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let next = 256
  const chars = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++))
  const vocab = Object.fromEntries([...chars, '<|end|>'].map((char, id) => [char, id]))
  const tokenizer = {
    version: '1.0',
    added_tokens: [
      {
        id: 256,
        content: '<|end|>',
        special: true,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
      },
    ],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: 'BPE', vocab, merges: [], byte_fallback: false },
  }
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ eos_token: '<|end|>' }))
  return openTokenizer(folder)
}

/** Blanks as marks, the first one of the text stripped, as Llama 2's decoder does. */
async function stripped(): Promise<Tokenizer> {
  const folder = tempFolder()
  await writeTinyTokenizer(folder)
  const { default: tokenizer } = await import(join(folder, 'tokenizer.json'), { with: { type: 'json' } })
  const decoder = {
    type: 'Sequence',
    decoders: [...tokenizer.decoder.decoders, { type: 'Strip', content: ' ', start: 1, stop: 0 }],
  }
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify({ ...tokenizer, decoder }))
  return openTokenizer(folder)
}

const byteFallback = async (): Promise<Tokenizer> => {
  const folder = tempFolder()
  await writeTinyTokenizer(folder)
  return openTokenizer(folder)
}

describe.each([
  ['byte fallback', byteFallback],
  ['byte-level merges', byteLevel],
  ['the first blank stripped', stripped],
] as const)('%s', (_, make) => {
  it('tells a character of several tokens once it is whole', async () => {
    const tokenizer = await make()
    const text = 'the añ 心 😀 end'
    const ids = [...tokenizer.encode([{ text, train: true }]).ids]
    const pieces = told(tokenizer, ids)
    expect(pieces.join('')).toBe(text)
    expect(pieces).toContain('😀')
    expect(pieces.join('|')).not.toMatch(/\uFFFD|[\uD800-\uDBFF](?![\uDC00-\uDFFF])/)
  })

  it('tells any tokens at all as they read together', async () => {
    const tokenizer = await make()
    for (let text = 0; text < 300; text++) {
      const count = 1 + Math.floor(uniform(1, text, 0) * 12)
      const ids = Array.from({ length: count }, (_, i) =>
        Math.floor(uniform(2, text, i) * tokenizer.vocabSize),
      )
      expect(told(tokenizer, ids).join(''), `tokens ${ids}`).toBe(tokenizer.decodeText(ids))
    }
  })
})

const gemma = resolve(import.meta.dirname, '../../../shared/data/gemma3-tokenizer')
if (!existsSync(gemma)) console.log(`text-stream.test: skips Gemma's own tokenizer, which is not at ${gemma}`)

it.skipIf(!existsSync(gemma))("tells any tokens of Gemma's own tokenizer as they read together", async () => {
  const tokenizer = await openTokenizer(gemma)
  for (let text = 0; text < 200; text++) {
    const ids = Array.from({ length: 10 }, (_, i) => {
      // Half of them are single bytes.
      const u = uniform(3, text, i)
      return uniform(4, text, i) < 0.5 ? 238 + Math.floor(u * 256) : Math.floor(u * 262_144)
    })
    expect(told(tokenizer, ids).join(''), `tokens ${ids}`).toBe(tokenizer.decodeText(ids))
  }
})
