/**
 * @file Training, step by step, against TRL and PEFT (test/reference/training_fixture.py): the recipe's own stages,
 * data path, loop and executor, from the same first adapter, must see the same documents and log the same numbers.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Batch } from '../../src/data/index.ts'
import { readSafetensors, readTensor } from '../../src/nn/index.ts'
import type { RunEventBody } from '../../src/plugin/contract.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { openData, splitDataset } from '../../src/run/data.ts'
import { type Engine, openEngine } from '../../src/run/engine.ts'
import { planAdapter } from '../../src/run/preflight.ts'
import { createStages } from '../../src/run/stages.ts'
import { trainLoop } from '../../src/train/loop.ts'
import { tempFolder } from '../helpers/temp.ts'

interface Document {
  readonly ids: readonly number[]
  /** -100 where no loss is taken. */
  readonly labels: readonly number[]
}
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
    template: { use: 'gemma', user: '{Question}', model: '{Complex_CoT}\n\nFinal Answer: {Response}' },
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

interface Seen {
  readonly batches: readonly Batch[]
  readonly events: readonly Extract<RunEventBody, { type: 'step' }>[]
  readonly norms: Readonly<Record<string, number>>
}

/** What `medtune run` does between opening the data and writing the adapter, but from the fixture's adapter. */
async function train(options: Options): Promise<Seen> {
  process.env.MEDTUNE_CACHE = tempFolder()
  const resolved = await loadRecipe(project(options))
  const warn = (): void => {}
  const stages = await createStages(resolved, warn)
  const model = await stages.model.load()
  const dataset = splitDataset(resolved, stages.dataset)
  const data = await openData(resolved, stages, dataset, model, warn)
  const engine = await openEngine(resolved, stages, model, planAdapter(resolved, stages, model))
  const batches: Batch[] = []
  const events: Extract<RunEventBody, { type: 'step' }>[] = []
  let names: readonly string[] | undefined
  try {
    await trainLoop({
      executor: engine.executor,
      run: async (batch) => {
        names ??= await startFromFixture(engine, batch)
        batches.push(batch)
        return engine.train(batch)
      },
      split: data.train,
      options: resolved.recipe.train,
      seed: resolved.recipe.seed,
      lr: options.lr,
      schedule: stages.schedule,
      emit: (event) => {
        if (event.type === 'step') events.push(event)
      },
    })
    const norms: Record<string, number> = {}
    for (const name of names!) norms[name] = Math.hypot(...(await engine.executor.read(name)))
    return { batches, events, norms }
  } finally {
    await engine.close()
    await data.close()
  }
}

/** Writes the fixture's adapter into the executor, which has parameters once the program has run. */
async function startFromFixture(engine: Engine, batch: Batch): Promise<readonly string[]> {
  await engine.scoreInTraining(batch, 0)
  const { tensors } = readSafetensors(fixture('adapter/adapter_model.safetensors'))
  for (const slice of tensors.values()) {
    await engine.executor.write(slice.name, await readTensor(slice))
  }
  return [...tensors.keys()]
}

/** The documents of a batch, row by row, as the model sees them. */
function documentsOf(batch: Batch): Document[] {
  const labels = new Int32Array(batch.rows * batch.length).fill(-100)
  for (let i = 0; i < batch.labelTokens; i++) labels[batch.labelSlot[i]! + 1] = batch.labelId[i]!
  const found: { ids: number[]; labels: number[] }[] = []
  for (let at = 0; at < labels.length; at++) {
    if (batch.segment[at]! < 0) continue
    if (batch.position[at] === 0) found.push({ ids: [], labels: [] })
    found.at(-1)!.ids.push(batch.ids[at]!)
    found.at(-1)!.labels.push(labels[at]!)
  }
  return found
}

it('the tokenizer is the one of the fixture; if not, run test/reference/training_fixture.py again', () => {
  const hash = createHash('sha256')
    .update(readFileSync(join(tokenizer, 'tokenizer.json')))
    .digest('hex')
  expect(hash).toBe(expected.tokenizer)
})

describe.each(Object.entries(expected.runs))('%s, as TRL and PEFT train', (_name, run) => {
  let seen: Seen
  beforeAll(async () => {
    seen = await train(run.options)
  })

  it('the same documents, labels and order in every micro-batch of every epoch', () => {
    const wanted = run.steps.flatMap(({ batches }) => batches)
    expect(seen.batches).toHaveLength(wanted.length)
    for (const [i, batch] of seen.batches.entries()) {
      expect(documentsOf(batch)).toEqual(wanted[i]!.map((index) => run.documents[index]))
    }
    expect(seen.events.at(-1)!.epoch).toBeGreaterThan(2)
  })

  it('the same documents in each row', () => {
    const sizes = new Set(run.rows.map((row) => JSON.stringify(row)))
    const index = new Map(run.documents.map((document, i) => [JSON.stringify(document), i]))
    for (const batch of seen.batches) {
      const documents = documentsOf(batch).map((document) => index.get(JSON.stringify(document))!)
      for (let row = 0; row < batch.rows; row++) {
        const slots = batch.position.subarray(row * batch.length, (row + 1) * batch.length)
        const segments = batch.segment.subarray(row * batch.length, (row + 1) * batch.length)
        const count = slots.filter((position, t) => position === 0 && segments[t]! >= 0).length
        expect(sizes).toContain(JSON.stringify(documents.splice(0, count)))
      }
    }
  })

  it('the loss within 1e-4, the gradient norm within 1e-3, the rate to the last digit, in every step', () => {
    expect(run.steps.length).toBeGreaterThanOrEqual(50)
    expect(seen.events).toHaveLength(run.steps.length)
    for (const [i, { loss, grad_norm, lr }] of run.steps.entries()) {
      const event = seen.events[i]!
      expect(Math.abs(event.loss - loss), `loss of step ${i + 1}`).toBeLessThan(1e-4)
      expect(Math.abs(event.grad_norm / grad_norm - 1), `grad_norm of step ${i + 1}`).toBeLessThan(1e-3)
      expect(Math.abs(event.lr - lr), `lr of step ${i + 1}`).toBeLessThanOrEqual(1e-15 * run.options.lr)
    }
  })

  it('the same adapter at the end', () => {
    expect(Object.keys(seen.norms).sort()).toEqual(Object.keys(run.norms).map(fileName).sort())
    for (const [name, norm] of Object.entries(run.norms)) {
      expect(Math.abs(seen.norms[fileName(name)]! / norm - 1), name).toBeLessThan(1e-3)
    }
  })
})

const fileName = (name: string): string => name.replace('.default', '')
