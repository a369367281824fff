/** @file Reads a model's tokenizer.json and tokenizer_config.json, and says what is wrong with them. */
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../util/errors.ts'

export interface AddedToken {
  readonly id: number
  readonly content: string
  readonly special: boolean
}

export interface TokenizerFiles {
  /** tokenizer.json, as read. */
  readonly tokenizer: Readonly<Record<string, unknown>> & {
    readonly model: { readonly type?: string; readonly merges?: readonly (string | readonly string[])[] }
    readonly added_tokens: readonly AddedToken[]
  }
  /** tokenizer_config.json, as read. */
  readonly config: Readonly<Record<string, unknown>>
}

const NAMES = ['tokenizer.json', 'tokenizer_config.json'] as const

/** Throws an InputError that names the file when one is missing or is no tokenizer. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const [tokenizer, config] = await Promise.all(NAMES.map((name) => readJson(folder, name)))
  const file = join(folder, 'tokenizer.json')
  if (!isObject(tokenizer!.model) || !isObject(tokenizer!.model.vocab)) {
    throw new InputError(
      `${file}: no "model" with a "vocab" in it; this is not a tokenizer of the tokenizers library`,
    )
  }
  const added = tokenizer!.added_tokens ?? []
  if (!Array.isArray(added) || !added.every(isAddedToken)) {
    throw new InputError(`${file}: "added_tokens" must be a list of { id, content, special }`)
  }
  return {
    tokenizer: { ...tokenizer, added_tokens: added } as unknown as TokenizerFiles['tokenizer'],
    config: config!,
  }
}

/** SHA-256 (hex) over both files: two tokenizers with the same hash encode alike. */
export async function hashTokenizer(folder: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of NAMES) hash.update(await readText(folder, name)).update('\0')
  return hash.digest('hex')
}

/** Changes when a file of the tokenizer does. */
export async function tokenizerStamp(folder: string): Promise<string> {
  const stamps = NAMES.map(async (name) => {
    const found = await stat(join(folder, name)).catch(() => undefined)
    return found && `${found.ino}:${found.size}:${found.mtimeMs}`
  })
  return (await Promise.all(stamps)).join('|')
}

async function readText(folder: string, name: string): Promise<string> {
  const file = join(folder, name)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw new InputError(`${file}: cannot be read (${code ?? String(error)})`)
    throw new InputError(
      `${file}: no such file; a model's folder holds tokenizer.json and tokenizer_config.json`,
    )
  }
}

async function readJson(folder: string, name: string): Promise<Record<string, unknown>> {
  const text = await readText(folder, name)
  const file = join(folder, name)
  if (text.startsWith('version https://git-lfs')) {
    throw new InputError(
      `${file}: is a Git LFS pointer, not the file itself; download it with \`git lfs pull\``,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new InputError(`${file}: is not valid JSON (${(error as Error).message}); download it again`)
  }
  if (!isObject(value)) throw new InputError(`${file}: holds no JSON object; download it again`)
  return value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isAddedToken(value: unknown): value is AddedToken {
  return isObject(value) && Number.isInteger(value.id) && typeof value.content === 'string'
}
