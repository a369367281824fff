/** @file Reads a file of rows by what its name says it is. */
import { open } from 'node:fs/promises'
import type { Row } from 'medtune/plugin'
import { readCsv } from './csv.ts'
import { fileKind } from './hub-files.ts'
import { readJson } from './json.ts'
import { readJsonl } from './jsonl.ts'
import { readParquet } from './parquet.ts'

/** Rows of a .parquet, .csv, .jsonl or .json file, the last in one piece or JSON Lines. */
export async function* readAnyFile(file: string): AsyncGenerator<Row> {
  const kind = fileKind(file)
  if (kind === 'parquet') yield* readParquet(file)
  else if (kind === 'csv') yield* readCsv(file)
  else yield* (await isWhole(file)) ? readJson(file) : readJsonl(file)
}

/** Whether the file is one JSON value: it begins with a list, or with an object that its first line leaves open. */
async function isWhole(file: string): Promise<boolean> {
  if (file.endsWith('.gz')) return false
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, 4096, 0)
    const text = buffer
      .subarray(0, bytesRead)
      .toString()
      .replace(/^\ufeff/, '')
      .trimStart()
    return text.startsWith('[') || /^\{\s*\n/.test(text)
  } finally {
    await handle.close()
  }
}
