/**
 * @file Runs the reference stack (torch, transformers, PEFT, TRL) and medtune side by side on the full shape of
 * Gemma 3 270M, and prints a line of JSON a check: npm run parity [-- --only 'rows;packed;to PEFT'] [--shape tiny]
 * [--venv FOLDER]. Makes a Python environment of its own where none is given. Not part of `npm test`.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fromPeftAgrees, toPeftAgrees } from './parity/adapters.ts'
import { readLines } from './parity/compare.ts'
import { type Document, encodeRows } from './parity/documents.ts'
import { DATA, script, TOKENIZER, WORK } from './parity/place.ts'
import { NoReference, openReference, type Reference } from './parity/reference.ts'
import { type TrainingCase, trainingAgrees } from './parity/training.ts'

const TRAINING: readonly TrainingCase[] = [
  {
    // Two epochs of 2 + 1 micro-batches, the last one of a single row.
    name: 'unpacked',
    rows: 5,
    pack: false,
    max_length: 256,
    batch_size: 2,
    accumulate: 2,
    epochs: 2,
    schedule: 'linear',
  },
  {
    // Two documents a row; two epochs of 3 + 1 micro-batches.
    name: 'packed',
    rows: 7,
    shortest: true,
    pack: true,
    max_length: 1024,
    batch_size: 1,
    accumulate: 3,
    epochs: 2,
    schedule: 'cosine',
  },
  {
    // All rows, cut; of some nothing to learn is left.
    name: 'packed, cut',
    rows: Number.POSITIVE_INFINITY,
    pack: true,
    max_length: 128,
    batch_size: 2,
    accumulate: 2,
    steps: 3,
    schedule: 'cosine_with_restarts',
  },
]
const CHECKS = ['rows', ...TRAINING.map(({ name }) => name), 'from PEFT', 'to PEFT']

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: CHECKS.join(';') },
    shape: { type: 'string', default: '270m' },
    venv: { type: 'string' },
  },
})

const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
const note = (text: string): void => void process.stderr.write(`${text}\n`)

async function modelFolder(reference: Reference): Promise<string> {
  const folder = join(WORK, `model-${values.shape}`)
  if (existsSync(join(folder, 'model.safetensors'))) return folder
  note(`model: random weights of shape ${values.shape}`)
  await reference.run(script('parity_model.py'), [folder, values.shape, TOKENIZER])
  return folder
}

/** Whether the documents of all rows are equal. */
async function rowsAgree(reference: Reference, ours: readonly Document[]): Promise<boolean> {
  const file = join(WORK, 'rows.jsonl')
  note('rows: as TRL prepares them, as medtune does')
  await reference.run(script('rows.py'), [DATA, TOKENIZER, file])
  const theirs = readLines<Document>(file)
  const equal = theirs.filter((row, i) => JSON.stringify(row) === JSON.stringify(ours[i])).length
  const pass = equal === theirs.length && ours.length === theirs.length
  print({ check: 'rows', pass, equal, of: theirs.length })
  return pass
}

async function main(): Promise<boolean> {
  const only = values.only.split(';').map((name) => name.trim())
  const unknown = only.find((name) => !CHECKS.includes(name))
  if (unknown !== undefined)
    throw new Error(`there is no check "${unknown}"; there are: ${CHECKS.join('; ')}`)
  mkdirSync(WORK, { recursive: true })
  const reference = await openReference(values.venv, join(WORK, 'venv'), script('requirements.txt'), note)
  const model = await modelFolder(reference)
  const documents = await encodeRows(DATA, TOKENIZER)
  const results: boolean[] = []
  if (only.includes('rows')) results.push(await rowsAgree(reference, documents))
  for (const one of TRAINING.filter(({ name }) => only.includes(name))) {
    results.push(await trainingAgrees(reference, model, documents, one, { print, note }))
  }
  const sides = { reference, model, documents }
  if (only.includes('from PEFT')) results.push(await fromPeftAgrees(sides, { print, note }))
  if (only.includes('to PEFT')) results.push(await toPeftAgrees(sides, { print, note }))
  print({ check: 'all', pass: results.every(Boolean), of: results.length, shape: values.shape })
  return results.every(Boolean)
}

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  note(`parity: ${error instanceof Error ? error.message : String(error)}`)
  // 3: this machine lacks what is needed, as in medtune's own commands.
  process.exitCode = error instanceof NoReference ? 3 : 1
}
