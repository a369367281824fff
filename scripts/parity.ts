/**
 * @file Runs the reference stack (torch, transformers, PEFT, TRL) and medtune side by side and prints a table in JSON,
 * a line a check: npm run parity -- --steps 8 [--pack]. Needs the folder `shared` beside the repository, and Python 3.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  adapterDifference,
  compareSteps,
  type ReferenceStep,
  readLines,
  type StepComparison,
} from './parity/compare.ts'
import { type Document, encodeRows, TEMPLATE } from './parity/documents.ts'
import { pythonEnvironment, runPython } from './parity/reference.ts'
import { trainFrom } from './parity/train.ts'

const ROOT = resolve(import.meta.dirname, '..')
const SHARED = resolve(ROOT, '../shared')
const WORK = join(ROOT, 'node_modules/.cache/medtune-parity')
const DATA = join(SHARED, 'data/sft/medical_o1_demo198.jsonl')
const TOKENIZER = join(SHARED, 'data/gemma3-tokenizer')
const SCRIPTS = { model: join(SHARED, 'reference/make_model.py'), sft: join(SHARED, 'reference/sft.py') }
/** What the two may differ by: the loss, and the gradient norm as a part of itself. */
const LIMITS = { loss: 1e-3, grad_norm: 1e-2, lr: 1e-12 } as const

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '8' },
    batch: { type: 'string', default: '1' },
    accumulate: { type: 'string', default: '2' },
    'max-length': { type: 'string', default: '256' },
    shape: { type: 'string', default: '270m' },
    schedule: { type: 'string', default: 'cosine' },
    pack: { type: 'boolean', default: false },
    venv: { type: 'string', default: join(WORK, 'venv') },
  },
})

const print = (line: object): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
const note = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** Whether the documents of all rows are equal. */
async function rowsAgree(python: string): Promise<boolean> {
  const file = join(WORK, 'rows.jsonl')
  note('rows: as TRL prepares them, as medtune does')
  await runPython(python, join(ROOT, 'test/reference/rows.py'), [DATA, TOKENIZER, file])
  const theirs = readLines<Document>(file)
  const ours = await encodeRows(DATA, TOKENIZER)
  const equal = theirs.filter((row, i) => JSON.stringify(row) === JSON.stringify(ours[i])).length
  print({ check: 'rows', equal, of: theirs.length })
  return equal === theirs.length && ours.length === theirs.length
}

/** The first adapter is the reference's; it is written before its first step. */
async function trainBoth(python: string): Promise<boolean> {
  const model = join(WORK, `model-${values.shape}`)
  if (!existsSync(join(model, 'model.safetensors'))) {
    note(`model: random weights of shape ${values.shape}`)
    await runPython(python, SCRIPTS.model, [model, '--shape', values.shape, '--tokenizer', TOKENIZER])
  }
  const out = join(WORK, 'sft')
  rmSync(out, { recursive: true, force: true })
  note(`reference: ${values.steps} steps`)
  await runPython(python, SCRIPTS.sft, [model, DATA, out, ...sftOptions()])
  const adapter = (when: string): string => join(out, `adapter-${when}`, 'adapter_model.safetensors')
  note(`medtune: ${values.steps} steps`)
  const trained = await trainFrom(writeRecipe(model), adapter('before'), ({ step }) => note(`  step ${step}`))
  const reference = readLines<ReferenceStep>(join(out, 'steps.jsonl'))
  const steps = compareSteps(reference, trained)
  for (const step of steps) print({ check: 'step', ...step })
  return summarise(steps, await adapterDifference(adapter('before'), adapter('after'), trained))
}

const RECIPE = { rank: 16, alpha: 32, lr: 2e-4, warmup: 2, weight_decay: 0.01, clip: 1, seed: 42 } as const

function sftOptions(): (string | number)[] {
  const { rank, alpha, lr, warmup, weight_decay, clip, seed } = RECIPE
  const named = {
    precision: 'fp32',
    steps: values.steps,
    batch: values.batch,
    accumulate: values.accumulate,
    'max-length': values['max-length'],
    schedule: values.schedule,
    rank,
    alpha,
    lr,
    warmup,
    'weight-decay': weight_decay,
    clip,
    seed,
  }
  const options = Object.entries(named).flatMap(([name, value]) => [`--${name}`, value])
  return values.pack ? [...options, '--packing'] : options
}

function writeRecipe(model: string): string {
  const { rank, alpha, lr, warmup, weight_decay, clip, seed } = RECIPE
  const recipe = {
    name: 'parity',
    seed,
    model: { use: 'gemma3', path: model },
    dataset: { use: 'jsonl', path: DATA },
    template: { use: 'gemma', ...TEMPLATE },
    adapter: { use: 'lora', rank, alpha },
    optimizer: { use: 'adamw', lr, weight_decay },
    schedule: { use: values.schedule, warmup },
    train: {
      steps: Number(values.steps),
      batch_size: Number(values.batch),
      accumulate: Number(values.accumulate),
      max_length: Number(values['max-length']),
      over_length: 'truncate',
      pack: values.pack,
      clip,
      precision: 'fp32',
    },
  }
  const file = join(WORK, 'recipe.yaml')
  // JSON is YAML too.
  writeFileSync(file, JSON.stringify(recipe))
  return file
}

function summarise(steps: readonly StepComparison[], adapter: number): boolean {
  const largest = (of: (step: StepComparison) => number): number => Math.max(...steps.map(of))
  const differences = {
    loss: largest(({ loss: [theirs, ours] }) => Math.abs(ours - theirs)),
    grad_norm: largest(({ grad_norm: [theirs, ours] }) => Math.abs(ours / theirs - 1)),
    lr: largest(({ lr: [theirs, ours] }) => Math.abs(ours - theirs)),
  }
  const batches = steps.filter(({ batches_equal }) => batches_equal).length
  const pass =
    batches === steps.length &&
    differences.loss <= LIMITS.loss &&
    differences.grad_norm <= LIMITS.grad_norm &&
    differences.lr <= LIMITS.lr
  print({ check: 'training', pass, steps: steps.length, batches_equal: batches, ...differences, adapter })
  return pass
}

async function main(): Promise<boolean> {
  const missing = [DATA, TOKENIZER, ...Object.values(SCRIPTS)].find((path) => !existsSync(path))
  if (missing) {
    note(`parity: skipped, ${missing} is missing`)
    return true
  }
  mkdirSync(WORK, { recursive: true })
  const python = existsSync(join(values.venv, 'bin/python'))
    ? join(values.venv, 'bin/python')
    : await pythonEnvironment(values.venv, join(ROOT, 'test/reference/requirements.txt'))
  const rows = await rowsAgree(python)
  const training = await trainBoth(python)
  return rows && training
}

try {
  if (!(await main())) process.exitCode = 1
} catch (error) {
  note(`parity: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
