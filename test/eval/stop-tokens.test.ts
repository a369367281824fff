/** @file Every token that a checkpoint or a template names ends an answer. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import chat from '../../plugins/template/chat.ts'
import gemma from '../../plugins/template/gemma.ts'
import plain from '../../plugins/template/plain.ts'
import { openTokenizer } from '../../src/data/index.ts'
import { readGenerationConfig, stopTokens } from '../../src/eval/stop-tokens.ts'
import type { Template } from '../../src/plugin/contract.ts'
import { context } from '../data/rows.ts'
import { tempFolder } from '../helpers/temp.ts'
import { writeTinyTokenizer } from '../helpers/tiny-tokenizer.ts'

const NONE: Pick<Template, 'ends'> = {}

async function stops(
  files: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>> = {},
  template: Pick<Template, 'ends' | 'open'> = NONE,
): Promise<number[]> {
  const folder = tempFolder()
  await writeTinyTokenizer(folder)
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  await template.open?.(folder)
  return stopTokens({ folder, config, vocabSize: 200 }, await openTokenizer(folder), template)
}

describe('an answer ends at', () => {
  it("the tokenizer's end of text", async () => {
    expect(await stops({})).toEqual([1])
  })

  it('one id or several, of either file', async () => {
    const files = { 'generation_config.json': { eos_token_id: [9, 7] } }
    expect(await stops(files, { eos_token_id: 8 })).toEqual([1, 7, 8, 9])
    expect(await stops({ 'generation_config.json': { eos_token_id: 30 } })).toEqual([1, 30])
    expect(await stops({}, { text_config: { eos_token_id: [1, 106] } })).toEqual([1, 106])
  })

  it('nothing that is no token of the model', async () => {
    expect(await stops({}, { eos_token_id: [null, -1, 1.5, 200, '5', 12] })).toEqual([1, 12])
  })

  it("the end of the template's turn, which a base model's files do not name", async () => {
    expect(await stops({}, {}, await gemma.create({}, context))).toEqual([1, 5])
    expect(await stops({}, {}, await plain.create({ text: '{x}', bos: true, eos: true }, context))).toEqual([
      1,
    ])
  })

  it("the first control token that the model's own template writes behind an answer", async () => {
    const jinja =
      '{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>assistant\n{% endif %}'
    const template = await chat.create({ date: '2024-07-26' }, context)
    expect(await stops({ 'chat_template.jinja': jinja }, {}, template)).toEqual([1, 5])
  })
})

describe('generation_config.json', () => {
  it('need not be there, and is named where it is damaged', async () => {
    const folder = tempFolder()
    expect(readGenerationConfig(folder)).toEqual({})
    for (const [content, problem] of [
      ['{', 'is not valid JSON'],
      ['[1]', 'is not a JSON object'],
    ] as const) {
      await writeFile(join(folder, 'generation_config.json'), content)
      expect(() => readGenerationConfig(folder)).toThrow(`generation_config.json: ${problem}`)
    }
  })
})
