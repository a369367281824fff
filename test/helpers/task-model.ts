/** @file A small model with a tokenizer that opens texts with <bos> and has a chat template, and questions for it: what test/reference/task_scores.py scored. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeModel } from './make-model.ts'
import { writeTinyTokenizer } from './tiny-tokenizer.ts'

const CHAT =
  "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}{% for message in rest %}<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n{{ first if loop.first else '' }}{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"

const FACTS = [
  ['Which organ makes insulin', 'pancreas', 'spleen', 'kidney', 'lung', 0],
  ['What does a red, warm joint point to', 'rest', 'swelling', 'cold', 'dust', 1],
  ['Which vitamin does sunlight make', 'vitamin A', 'vitamin C', 'vitamin D', 'none of them', 2],
  ['Who reads an x-ray', 'a cook', 'a driver', 'a singer', 'a radiologist', 3],
  ['What carries oxygen in blood', 'iron in red cells', 'salt', 'sugar', 'air bubbles', 0],
  ['How many chambers has a heart', 'two', 'four', 'six', 'nine', 1],
] as const

const questions = FACTS.map(([question, opa, opb, opc, opd, cop], i) => ({
  id: `m${i}`,
  question: `${question}?`,
  opa,
  opb,
  opc,
  opd,
  cop,
}))
const papers = FACTS.slice(0, 4).map(([question, right], i) => ({
  id: `p${i}`,
  QUESTION: `Is it true of ${right}: ${question.toLowerCase()}?`,
  CONTEXTS: [`We asked ${10 + i} people.`, `Most of them said: ${right}.`],
  final_decision: ['yes', 'no', 'maybe'][i % 3],
}))

/** Writes model/, medmcqa.jsonl and pubmedqa.jsonl into an existing folder. */
export async function writeTaskModel(folder: string): Promise<void> {
  const model = join(folder, 'model')
  const vocabulary = await writeTinyTokenizer(model)
  change(join(model, 'tokenizer.json'), {
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<bos>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }],
      special_tokens: { '<bos>': { id: '<bos>', ids: [vocabulary['<bos>']], tokens: ['<bos>'] } },
    },
  })
  change(join(model, 'tokenizer_config.json'), {
    tokenizer_class: 'PreTrainedTokenizerFast',
    chat_template: CHAT,
    clean_up_tokenization_spaces: false,
  })
  const config = { vocab_size: Object.keys(vocabulary).length, max_position_embeddings: 2048 }
  await makeModel(model, { config, std: 0.25, seed: 11 })
  const text = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  writeFileSync(join(folder, 'medmcqa.jsonl'), text(questions))
  writeFileSync(join(folder, 'pubmedqa.jsonl'), text(papers))
}

function change(file: string, keys: object): void {
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...keys }))
}
