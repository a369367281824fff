/** @file JSON Lines: one object a line. */
import { definePlugin, InputError, type Row } from 'medtune/plugin'
import { fileDataset, fileOptions } from './file-dataset.ts'
import { asRow, excerpt, textChunks } from './rows.ts'

export default definePlugin({
  kind: 'dataset',
  name: 'jsonl',
  summary: 'A local JSON Lines file: one object of columns a line (.jsonl, or gzipped as .jsonl.gz).',
  options: {
    type: 'object',
    properties: { ...fileOptions },
    required: ['path'],
    additionalProperties: false,
  },
  create: (options, context) => fileDataset(options, context, readJsonl),
})

/** Rows of the file, line by line; blank lines are skipped. Throws an InputError that names the line. */
export async function* readJsonl(file: string): AsyncGenerator<Row> {
  let number = 0
  for await (const line of lines(file)) {
    number++
    if (line.trim() !== '') yield parseLine(`${file}:${number}`, line)
  }
}

function parseLine(place: string, line: string): Row {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    throw new InputError(
      `${place}: is not valid JSON (${(error as Error).message}); the line begins ${excerpt(line)}`,
    )
  }
  return asRow(place, value)
}

/** Split at \n only: unlike node:readline, which also splits at U+2028, and that may stand in a JSON string. */
async function* lines(file: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of textChunks(file)) {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!
    yield* parts
  }
  if (rest !== '') yield rest
}
