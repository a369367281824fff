/** @file JSON: one array of objects, or one object of them. */
import { definePlugin, InputError, type Row } from 'medtune/plugin'
import { fileDataset, fileOptions } from './file-dataset.ts'
import { asRow, excerpt, textChunks } from './rows.ts'

export default definePlugin({
  kind: 'dataset',
  name: 'json',
  summary:
    'A local JSON file: an array of objects, or an object of objects, whose keys become the column id.',
  options: {
    type: 'object',
    properties: { ...fileOptions },
    required: ['path'],
    additionalProperties: false,
  },
  create: (options, context) => fileDataset(options, context, readJson),
})

/** Rows of the array, or of the object, whose keys become the column `id`. The whole file is in memory meanwhile. Throws an InputError that names the item or the line. */
export async function* readJson(file: string): AsyncGenerator<Row> {
  let text = ''
  for await (const chunk of textChunks(file)) text += chunk
  const value = parse(file, text)
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield asRow(`${file}: item ${index + 1}`, item)
    return
  }
  const keyed = Object.entries(value ?? {})
  // JavaScript moves keys that are whole numbers, such as PubMed's, before all others.
  if (keyed.some(([id]) => /^\d+$/.test(id))) inOrder(keyed, topKeys(text))
  if (typeof value !== 'object' || keyed.length === 0 || keyed.some(([, item]) => !isObject(item)))
    throw new InputError(`${file}: must hold an array of objects, not ${excerpt(JSON.stringify(value))}`)
  for (const [id, item] of keyed) yield { id, ...(item as Row) }
}

function inOrder(keyed: [string, unknown][], keys: readonly string[]): void {
  const places = new Map(keys.map((key, place) => [key, place]))
  keyed.sort(([a], [b]) => places.get(a)! - places.get(b)!)
}

/** The keys of the outermost object of a valid JSON text, in the order in which they first stand there. */
function topKeys(text: string): string[] {
  const keys = new Set<string>()
  const isKey = /\s*:/y
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign === '{' || sign === '[') depth++
    else if (sign === '}' || sign === ']') depth--
    else if (sign === '"') {
      const end = endOfString(text, at)
      isKey.lastIndex = end
      if (depth === 1 && isKey.test(text)) keys.add(JSON.parse(text.slice(at, end)) as string)
      at = end - 1
    }
  }
  return [...keys]
}

/** Behind the quote that ends the string which begins at `start`: one before which no backslash stands, or a pair. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
    let before = quote
    while (text[before - 1] === '\\') before--
    if ((quote - before) % 2 === 0) return quote + 1
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(file: string, text: string): unknown {
  if (text.trim() === '') return []
  try {
    return JSON.parse(text)
  } catch (error) {
    const message = (error as Error).message.replace(/\s+/g, ' ')
    const hint = isJsonLines(text) ? '; it looks like JSON Lines: use dataset.use=jsonl' : ''
    throw new InputError(`${file}${place(message, text)}: is not valid JSON (${message})${hint}`)
  }
}

/** Whether the first line is an object of its own. */
function isJsonLines(text: string): boolean {
  try {
    const first = JSON.parse(text.trimStart().split('\n', 1)[0]!)
    return typeof first === 'object' && first !== null
  } catch {
    return false
  }
}

/** `:line` of the position that the engine's message has, if it has one. */
function place(message: string, text: string): string {
  const position = /position (\d+)/.exec(message)?.[1]
  return position === undefined ? '' : `:${text.slice(0, Number(position)).split('\n').length}`
}
