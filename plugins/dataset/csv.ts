/** @file CSV with a header row; every value is text. */
import { Readable } from 'node:stream'
import type { CsvError, Parser } from 'csv-parse'
import { definePlugin, InputError, type Row } from 'medtune/plugin'
import { fileDataset, fileOptions } from './file-dataset.ts'
import { textChunks } from './rows.ts'

export default definePlugin({
  kind: 'dataset',
  name: 'csv',
  summary: 'A local CSV file with a header row.',
  options: {
    type: 'object',
    properties: {
      ...fileOptions,
      delimiter: {
        type: 'string',
        minLength: 1,
        default: ',',
        description: 'What stands between two values.',
      },
    },
    required: ['path'],
    additionalProperties: false,
  },
  create: ({ delimiter, ...files }, context) =>
    fileDataset(files, context, (file) => readCsv(file, delimiter)),
})

/** Rows by the names in the header. Throws an InputError that names the line and the record (the header not counted). */
export async function* readCsv(file: string, delimiter = ','): AsyncGenerator<Row> {
  const { parse } = await import('csv-parse')
  const parser = parse({
    delimiter,
    bom: true,
    skip_empty_lines: true,
    columns: (names: string[]) => header(file, names),
  })
  const source = Readable.from(textChunks(file))
  source.on('error', (error) => parser.destroy(error))
  source.pipe(parser)
  try {
    for await (const row of parser as AsyncIterable<Row>) yield row
  } catch (error) {
    throw explain(file, error as Error, parser)
  } finally {
    source.destroy()
  }
}

function header(file: string, names: readonly string[]): string[] {
  names.forEach((name, index) => {
    if (name === '') throw new InputError(`${file}:1: column ${index + 1} of the header has no name`)
    if (names.indexOf(name) < index) throw new InputError(`${file}:1: two columns are called "${name}"`)
  })
  return [...names]
}

function explain(file: string, error: Error, parser: Parser): Error {
  if (error instanceof InputError || !('code' in error)) return error
  const { lines, records } = parser.info
  const { message } = error as CsvError
  return new InputError(`${file}:${lines}: record ${records + 1} is not valid CSV (${message})`)
}
