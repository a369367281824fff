/** @file Token ids and labels of all 198 real rows, against TRL's (test/reference/rows.py). */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { encodeRows } from '../../scripts/parity/documents.ts'

const shared = fileURLToPath(new URL('../../../shared/data', import.meta.url))
const data = `${shared}/sft/medical_o1_demo198.jsonl`
const tokenizer = `${shared}/gemma3-tokenizer`
const missing = [data, tokenizer].find((path) => !existsSync(path))
if (missing) process.stderr.write(`test/parity/rows.test.ts is skipped: ${missing} is missing\n`)

test.skipIf(missing !== undefined)("ids and labels equal TRL's on 198 of 198 rows", async () => {
  const fixture = new URL('../fixtures/medical-rows.json', import.meta.url)
  const { rows }: { rows: string[] } = JSON.parse(readFileSync(fixture, 'utf8'))
  const documents = await encodeRows(data, tokenizer)
  const digest = (document: object): string =>
    createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 16)
  expect(rows).toHaveLength(198)
  expect(documents.map(digest)).toEqual(rows)
})
