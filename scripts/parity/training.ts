/** @file The same training run on both sides, on the same rows, from the same first adapter. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  adapterDifference,
  compareSteps,
  type ReferenceStep,
  readLines,
  type StepComparison,
} from './compare.ts'
import { type Document, TEMPLATE } from './documents.ts'
import { DATA, script, WORK } from './place.ts'
import type { Reference } from './reference.ts'
import { trainFrom } from './train.ts'

/** What the two may differ by: the loss, and the gradient norm as a part of itself. */
const LIMITS = { loss: 1e-3, grad_norm: 1e-2, lr: 1e-12 } as const
const COMMON = { lr: 2e-4, weight_decay: 0.01, clip: 1, seed: 42, warmup: 2 } as const
const LORA = { rank: 16, alpha: 32 } as const

export interface TrainingCase {
  readonly name: string
  /** How many rows that have a label within `max_length`: the first, or the shortest. */
  readonly rows: number
  readonly shortest?: true
  readonly pack: boolean
  readonly max_length: number
  readonly batch_size: number
  readonly accumulate: number
  readonly epochs?: number
  readonly steps?: number
  readonly schedule: string
}

/**
 * Prints a line a step and one for all; whether they agree. Rows of which the maximal length leaves no label are left
 * out on both sides: the reference drops them unpacked and packs them otherwise, medtune drops and counts them always.
 */
export async function trainingAgrees(
  reference: Reference,
  model: string,
  documents: readonly Document[],
  one: TrainingCase,
  { print, note }: { print: (line: object) => void; note: (text: string) => void },
): Promise<boolean> {
  const { max_length, pack } = one
  const has = ({ labels }: Document): boolean => labels.slice(1, max_length).some((label) => label >= 0)
  const indexes = [...documents.keys()]
  if (one.shortest) indexes.sort((a, b) => documents[a]!.ids.length - documents[b]!.ids.length)
  const chosen = indexes.filter((i) => has(documents[i]!)).slice(0, one.rows)
  const unlabelled = documents.filter((document) => !has(document)).length
  const out = join(WORK, one.name)
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const rows = join(out, 'rows.jsonl')
  const lines = readLines<object>(DATA)
  writeFileSync(rows, chosen.map((i) => `${JSON.stringify(lines[i])}\n`).join(''))
  note(`${one.name}: the reference trains`)
  await reference.run(script('parity_train.py'), [settingsFile(out, model, rows, one)])
  note(`${one.name}: medtune trains`)
  const adapter = (when: string): string => join(out, `adapter-${when}`, 'adapter_model.safetensors')
  const trained = await trainFrom(recipeFile(out, model, rows, one), adapter('before'))
  const steps = compareSteps(readLines<ReferenceStep>(join(out, 'steps.jsonl')), trained)
  for (const step of steps) print({ check: one.name, ...step })
  const difference = await adapterDifference(adapter('before'), adapter('after'), trained)
  const { name, ...settings } = one
  const result = summary(steps)
  print({
    check: name,
    ...settings,
    rows: chosen.length,
    unlabelled_of_all: unlabelled,
    packed: pack,
    ...result,
    adapter: difference,
  })
  return result.pass
}

function settingsFile(out: string, model: string, rows: string, one: TrainingCase): string {
  const { max_length, batch_size, accumulate, schedule, pack } = one
  const settings = {
    model,
    rows,
    out,
    lora: { r: LORA.rank, lora_alpha: LORA.alpha, target_modules: 'all-linear' },
    train: { max_length, packing: pack, batch_size, accumulate, schedule, ...lengthOf(one), ...COMMON },
  }
  const file = join(out, 'settings.json')
  writeFileSync(file, JSON.stringify(settings))
  return file
}

function recipeFile(out: string, model: string, rows: string, one: TrainingCase): string {
  const { max_length, batch_size, accumulate, schedule, pack } = one
  const { lr, weight_decay, clip, seed, warmup } = COMMON
  const recipe = {
    name: 'parity',
    seed,
    model: { use: 'gemma3', path: model },
    dataset: { use: 'jsonl', path: rows },
    template: { use: 'gemma', ...TEMPLATE },
    adapter: { use: 'lora', ...LORA },
    optimizer: { use: 'adamw', lr, weight_decay },
    schedule: { use: schedule, warmup },
    train: {
      batch_size,
      accumulate,
      max_length,
      pack,
      clip,
      ...lengthOf(one),
      over_length: 'truncate',
      precision: 'fp32',
    },
  }
  // JSON is YAML too.
  const file = join(out, 'recipe.yaml')
  writeFileSync(file, JSON.stringify(recipe))
  return file
}

function lengthOf({ epochs, steps }: TrainingCase): { epochs: number } | { steps: number } {
  return steps === undefined ? { epochs: epochs! } : { steps }
}

function summary(steps: readonly StepComparison[]) {
  const largest = (of: (step: StepComparison) => number): number => Math.max(...steps.map(of))
  const differences = {
    loss: largest(({ loss: [theirs, ours] }) => Math.abs(ours - theirs)),
    grad_norm: largest(({ grad_norm: [theirs, ours] }) => Math.abs(ours / theirs - 1)),
    lr: largest(({ lr: [theirs, ours] }) => Math.abs(ours - theirs)),
  }
  const equal = steps.filter(({ batches_equal }) => batches_equal).length
  const within = (Object.keys(LIMITS) as (keyof typeof LIMITS)[]).every(
    (key) => differences[key] <= LIMITS[key],
  )
  return { pass: within && equal === steps.length, steps: steps.length, batches_equal: equal, ...differences }
}
