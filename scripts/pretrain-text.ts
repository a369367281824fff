/**
 * @file Writes the text that the embedded model is pre-trained on, one {"text": ...} a line:
 * npm run pretrain:text -- --seed 1 --out runs/pretrain-text.jsonl
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { parseSeed } from './facts/draw.ts'
import { readTable } from './facts/table.ts'
import { pretrainDocuments } from './facts/text.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'runs/pretrain-text.jsonl' },
  },
})
const seed = parseSeed(values.seed)
if (seed === undefined) {
  process.stderr.write('usage: npm run pretrain:text -- [--seed 1] [--out runs/pretrain-text.jsonl]\n')
  process.exitCode = 2
} else {
  const documents = pretrainDocuments(readTable(), seed)
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, documents.map((text) => `${JSON.stringify({ text })}\n`).join(''))
  process.stdout.write(`${values.out}: ${documents.length} documents, seed ${seed}\n`)
}
