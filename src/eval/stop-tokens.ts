/** @file Which tokens end an answer: every one that the checkpoint's files or the recipe's template name. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tokenizer } from '../data/index.ts'
import type { Model, Template } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'

type Json = Readonly<Record<string, unknown>>

/** generation_config.json as it is; empty where there is none. @throws InputError for a damaged one */
export function readGenerationConfig(folder: string): Json {
  const file = join(folder, 'generation_config.json')
  if (!existsSync(file)) return {}
  try {
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
  } catch (error) {
    throw new InputError(`${file}: is not valid JSON (${(error as Error).message}); download it again`)
  }
  throw new InputError(`${file}: is not a JSON object; download it again`)
}

/**
 * eos_token_id of generation_config.json and of config.json (one id or several), eos_token of
 * tokenizer_config.json, and the template's ends of a turn. Sorted, each once.
 */
export function stopTokens(
  { folder, config, vocabSize }: Pick<Model, 'folder' | 'config' | 'vocabSize'>,
  tokenizer: Pick<Tokenizer, 'eosId' | 'tokenId'>,
  template: Pick<Template, 'ends'>,
): number[] {
  const text = config.text_config as Json | undefined
  const named = [readGenerationConfig(folder), config, text ?? {}].flatMap(({ eos_token_id: eos }) => eos)
  const ends = template.ends?.().map((end) => tokenizer.tokenId(end)) ?? []
  const ids = [...named, tokenizer.eosId, ...ends].filter(
    (id): id is number => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabSize,
  )
  return [...new Set(ids)].sort((a, b) => a - b)
}
