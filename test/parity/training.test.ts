/**
 * @file Training, step by step, against TRL and PEFT (test/reference/training_fixture.py): the recipe's own stages,
 * data path, loop and executor, from the same first adapter, must see the same documents and log the same numbers.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Document, documentsOf, TEMPLATE } from '../../scripts/parity/documents.ts'
import { type Trained, trainFrom } from '../../scripts/parity/train.ts'
import { tempFolder } from '../helpers/temp.ts'

interface Step {
  readonly loss: number
  readonly grad_norm: number
  readonly lr: number
  /** Documents of each micro-batch. */
  readonly batches: readonly (readonly number[])[]
}
interface Options {
  readonly max_length: number
  readonly pack: boolean
  readonly batch_size: number
  readonly accumulate: number
  readonly lr: number
  readonly schedule: string
  readonly warmup: number
  readonly weight_decay: number
  readonly clip: number
  readonly steps?: number
  readonly epochs?: number
}
interface Run {
  readonly options: Options
  readonly documents: readonly Document[]
  /** Documents of each packed row, in the order of the data set. */
  readonly rows: readonly (readonly number[])[]
  readonly steps: readonly Step[]
  /** Norm of each trained tensor at the end. */
  readonly norms: Readonly<Record<string, number>>
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/training/${name}`, import.meta.url))
const tokenizer = fileURLToPath(new URL('../../models/tiny-gemma3', import.meta.url))
const expected: { tokenizer: string; runs: Record<string, Run> } = JSON.parse(
  readFileSync(fixture('runs.json'), 'utf8'),
)

/** A folder with the recipe of a run, its rows, and the model with its tokenizer. */
function project(options: Options): string {
  const folder = tempFolder()
  const model = tempFolder()
  for (const name of ['config.json', 'model.safetensors'])
    copyFileSync(fixture(`model/${name}`), join(model, name))
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(tokenizer, name), join(model, name))
  const { lr, schedule, warmup, weight_decay, ...train } = options
  const recipe = {
    name: 'parity',
    seed: 42,
    model: { use: 'gemma3', path: model },
    dataset: { use: 'jsonl', path: fixture('rows.jsonl') },
    template: { use: 'gemma', ...TEMPLATE },
    adapter: { use: 'lora', rank: 4, alpha: 8 },
    optimizer: { use: 'adamw', lr, weight_decay },
    schedule: { use: schedule, warmup },
    compute: { use: 'onnxruntime', threads: 1 },
    train: { ...train, over_length: 'truncate', precision: 'fp32' },
  }
  // JSON is YAML too.
  writeFileSync(join(folder, 'recipe.yaml'), JSON.stringify(recipe))
  return join(folder, 'recipe.yaml')
}

it('the tokenizer is the one of the fixture; if not, run test/reference/training_fixture.py again', () => {
  const hash = createHash('sha256')
    .update(readFileSync(join(tokenizer, 'tokenizer.json')))
    .digest('hex')
  expect(hash).toBe(expected.tokenizer)
})

describe.each(Object.entries(expected.runs))('%s, as TRL and PEFT train', (_name, run) => {
  let seen: Trained
  beforeAll(async () => {
    process.env.MEDTUNE_CACHE = tempFolder()
    seen = await trainFrom(project(run.options), fixture('adapter/adapter_model.safetensors'))
  })

  it('the same documents, labels and order in every micro-batch of every epoch', () => {
    const wanted = run.steps.flatMap(({ batches }) => batches)
    expect(seen.batches).toHaveLength(wanted.length)
    for (const [i, batch] of seen.batches.entries()) {
      expect(documentsOf(batch).flat()).toEqual(wanted[i]!.map((index) => run.documents[index]))
    }
    expect(seen.steps.at(-1)!.epoch).toBeGreaterThan(2)
  })

  it('the same documents in each row', () => {
    const sizes = new Set(run.rows.map((row) => JSON.stringify(row)))
    const index = new Map(run.documents.map((document, i) => [JSON.stringify(document), i]))
    for (const row of seen.batches.flatMap(documentsOf)) {
      const documents = row.map((document) => index.get(JSON.stringify(document))!)
      expect(sizes).toContain(JSON.stringify(documents))
    }
  })

  it('the loss within 1e-4, the gradient norm within 1e-3, the rate to the last digit, in every step', () => {
    expect(run.steps.length).toBeGreaterThanOrEqual(50)
    expect(seen.steps).toHaveLength(run.steps.length)
    for (const [i, { loss, grad_norm, lr }] of run.steps.entries()) {
      const event = seen.steps[i]!
      expect(Math.abs(event.loss - loss), `loss of step ${i + 1}`).toBeLessThan(1e-4)
      expect(Math.abs(event.grad_norm / grad_norm - 1), `grad_norm of step ${i + 1}`).toBeLessThan(1e-3)
      expect(Math.abs(event.lr - lr), `lr of step ${i + 1}`).toBeLessThanOrEqual(1e-15 * run.options.lr)
    }
  })

  it('the same adapter at the end', () => {
    expect([...seen.adapter.keys()].sort()).toEqual(Object.keys(run.norms).sort())
    for (const [name, norm] of Object.entries(run.norms)) {
      expect(Math.abs(Math.hypot(...seen.adapter.get(name)!) / norm - 1), name).toBeLessThan(1e-3)
    }
  })
})
