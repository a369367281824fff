/** @file Finds the chat template of a model's folder and renders it as transformers would. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from 'medtune/plugin'
import { strftime } from './strftime.ts'
import { replaceStripCalls, STRIP_FUNCTIONS } from './strip-calls.ts'

export interface Message {
  readonly role: string
  readonly content: string
}

/** The conversation as text; with `open`, up to the place where the model begins to write. */
export type RenderChat = (messages: readonly Message[], open: boolean) => string

/**
 * `chat_template.jinja` if the folder has one, else what tokenizer_config.json says; `file` instead of both.
 * Throws an InputError where there is none, or it cannot be understood.
 */
export async function openChatTemplate(
  folder: string,
  { file, date }: { readonly file?: string | undefined; readonly date: string },
): Promise<RenderChat> {
  const config = readTokenizerConfig(folder)
  const { source, place } = findTemplate(folder, config, file)
  const { Environment, Interpreter, Template } = await import('@huggingface/jinja')
  let program: InstanceType<typeof Template>['parsed']
  try {
    program = new Template(source).parsed
    replaceStripCalls(program)
  } catch (error) {
    throw new InputError(`${place}: is not a chat template that can be read (${(error as Error).message})`)
  }
  // Template.render would bring a clock of its own.
  const fixed = { ...globals(date), ...specialTokens(config), tools: null, documents: null }
  return (messages, open) => {
    try {
      const environment = new Environment()
      for (const [name, value] of Object.entries({ ...fixed, messages, add_generation_prompt: open }))
        environment.set(name, value)
      return String(new Interpreter(environment).run(program).value)
    } catch (error) {
      throw new InputError(`is refused by the chat template of ${place}: ${(error as Error).message}`)
    }
  }
}

/** What a template may name without being given it. */
function globals(date: string): Record<string, unknown> {
  return {
    ...STRIP_FUNCTIONS,
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    raise_exception(message: string): never {
      throw new Error(message)
    },
    range(start: number, stop?: number, step = 1): number[] {
      const [from, to] = stop === undefined ? [0, start] : [start, stop]
      return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step)
    },
    strftime_now: (format: string) => strftime(date, format),
  }
}

type Json = Readonly<Record<string, unknown>>

function readTokenizerConfig(folder: string): Json {
  const file = join(folder, 'tokenizer_config.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Json
  } catch (error) {
    throw new InputError(`${file}: cannot be read (${(error as Error).message})`)
  }
}

function findTemplate(
  folder: string,
  config: Json,
  file: string | undefined,
): { readonly source: string; readonly place: string } {
  const place = file ?? join(folder, 'chat_template.jinja')
  if (file !== undefined || existsSync(place)) {
    try {
      return { source: readFileSync(place, 'utf8'), place }
    } catch (error) {
      throw new InputError(`${place}: cannot be read (${(error as Error).message})`)
    }
  }
  const source = inlineTemplate(config.chat_template)
  if (source !== undefined) return { source, place: join(folder, 'tokenizer_config.json') }
  throw new InputError(
    `${folder}: has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json), as base models often do not; name one in template.file, or take the template plain`,
  )
}

/** One text, or a list of named ones. */
function inlineTemplate(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value as readonly { readonly name?: unknown; readonly template?: unknown }[]
  const template = named.find(({ name }) => name === 'default')?.template
  return typeof template === 'string' ? template : undefined
}

/** `bos_token` and its like, which templates write by name. */
function specialTokens(config: Json): Record<string, string> {
  const tokens: Record<string, string> = {}
  for (const [key, value] of Object.entries(config)) {
    if (!key.endsWith('_token')) continue
    const text = (value as { content?: unknown } | null)?.content ?? value
    if (typeof text === 'string') tokens[key] = text
  }
  return tokens
}
