/** @file The graph of a model and its adapter, against what transformers and PEFT computed (test/reference/*_fixture.py). */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  grad,
  headLoss,
  input,
  type ParameterSpec,
  parametersOf,
  program,
  takeRows,
  type Value,
} from '../../src/compute/index.ts'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import {
  fullAttachment,
  loraAttachment,
  loraTargets,
  matchTargets,
  readSafetensors,
  readTensor,
} from '../../src/nn/index.ts'
import type { Attachment, Model } from '../../src/plugin/contract.ts'
import { runOracle, tensor } from './oracle.ts'

interface Document {
  readonly ids: number[]
  readonly mask: number[]
}
interface Expected {
  readonly documents: Document[]
  readonly base: number[][]
  readonly tuned: number[][]
  readonly loss: number
  readonly gradients: Record<string, number[]>
  readonly full: { loss: number; gradients: Record<string, number[]> }
}

/** Documents 0 and 1 share a row, document 2 has one of its own; both rows end in padding. */
const ROWS = [[0, 1], [2]]
const LENGTH = 48

interface Graph {
  readonly loss: Value
  readonly logProb: Value
}

function lossGraph(model: Model, attachment: Attachment): Graph {
  const row = (name: string): Value => input(name, 'i32', ['rows', 'length'])
  const batch = {
    ids: row('ids'),
    position: row('position'),
    segment: row('segment'),
    branch: row('branch'),
    gain: input('gain', 'f32', []),
  }
  const { hidden, head } = model.build(batch, attachment)
  const label = (name: string, dtype: 'i32' | 'f32'): Value => input(name, dtype, ['labels'])
  const chosen = takeRows(hidden, label('labelSlot', 'i32'))
  const { loss, logProb } = headLoss(chosen, head, label('labelId', 'i32'), label('labelWeight', 'f32'), {
    chunk: 16,
  })
  return { loss, logProb }
}

type Feeds = Readonly<Record<string, { data: Int32Array | Float32Array; shape: readonly number[] }>>

/** Feeds of the packed batch. Labels come document by document, so that results can be compared in their order. */
function feedsOf(documents: readonly Document[], gain: number): Feeds {
  const shape = [ROWS.length, LENGTH]
  const grid = (): Int32Array => new Int32Array(ROWS.length * LENGTH)
  const [ids, position, segment, branch] = [grid(), grid(), grid().fill(-1), grid()]
  const slot: number[] = []
  const id: number[] = []
  ROWS.forEach((packed, row) => {
    let at = row * LENGTH
    packed.forEach((index, segmentIndex) => {
      const { ids: tokens, mask } = documents[index]!
      tokens.forEach((token, t) => {
        ids[at + t] = token
        position[at + t] = t
        segment[at + t] = segmentIndex
        if (mask[t] === 1) {
          slot.push(at + t - 1)
          id.push(token)
        }
      })
      at += tokens.length
    })
  })
  return {
    ids: { data: ids, shape },
    position: { data: position, shape },
    segment: { data: segment, shape },
    branch: { data: branch, shape },
    gain: { data: Float32Array.of(gain), shape: [] },
    labelSlot: { data: Int32Array.from(slot), shape: [slot.length] },
    labelId: { data: Int32Array.from(id), shape: [id.length] },
    labelWeight: { data: new Float32Array(slot.length).fill(1 / slot.length), shape: [slot.length] },
  }
}

type Values = ReadonlyMap<string, { data: Float32Array; shape: readonly number[] }>
type Run = (
  outputs: Readonly<Record<string, Value>>,
  feeds: Feeds,
  parameters: Values,
) => Promise<Readonly<Record<string, ArrayLike<number>>>>

const oracle: Run = async (outputs, feeds, parameters) => {
  const results = await runOracle(Object.values(outputs), {
    inputs: Object.fromEntries(
      Object.entries(feeds).map(([name, { data, shape }]) => [name, tensor(data, shape)]),
    ),
    parameters: new Map([...parameters].map(([name, { data, shape }]) => [name, tensor(data, shape)])),
  })
  return Object.fromEntries(Object.keys(outputs).map((name, i) => [name, results[i]!.data]))
}

const onnxruntime: Run = async (outputs, feeds, parameters) => {
  const compiled = program({ name: 'parity', outputs })
  const executor = new OnnxExecutor({ threads: 2, prepack: false, arena: false, provider: 'cpu' })
  try {
    const { run } = await executor.compile(compiled)
    for (const { name } of compiled.parameters) {
      const known = parameters.get(name)
      if (known) await executor.write(name, known.data)
    }
    const fed = Object.fromEntries(compiled.inputs.map(({ name }) => [name, feeds[name]!.data]))
    const labels = feeds.labelSlot!.shape[0]!
    return await run(fed, { rows: ROWS.length, length: LENGTH, labels }, false)
  } finally {
    await executor.close()
  }
}

async function adapterValues(folder: string): Promise<Values> {
  const values = new Map<string, { data: Float32Array; shape: readonly number[] }>()
  for (const [name, slice] of readSafetensors(`${folder}/adapter/adapter_model.safetensors`).tensors) {
    values.set(name, { data: await readTensor(slice), shape: slice.shape })
  }
  return values
}

function largestDifference(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(found.length).toBe(wanted.length)
  return Array.from(found).reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0)
}

function relativeDifference(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  const size = Math.max(...Array.from(wanted, Math.abs))
  expect(size).toBeGreaterThan(1e-4)
  return largestDifference(found, wanted) / size
}

export interface ParityCase {
  /** Folder of the model, with its adapter and expected.json. */
  readonly folder: string
  open(folder: string): Promise<Model>
  readonly targets: string | readonly string[]
  /** How many projections have an adapter. */
  readonly adapted: number
}

/** Declares the tests of one model, inside a `describe`. */
export function itComputesAlike({ folder, open, targets, adapted }: ParityCase): void {
  const expected: Expected = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8'))
  let model: Model
  let tuned: Graph
  let values: Values

  beforeAll(async () => {
    model = await open(folder)
    const sites = matchTargets(targets, model.sites)
    tuned = lossGraph(model, loraAttachment(loraTargets(sites, { rank: 4, alpha: 6, seed: 0 })))
    values = await adapterValues(folder)
  })

  it('names and shapes its parameters as the adapter file of PEFT does', () => {
    const found = new Map(
      parametersOf([tuned.loss]).map((value) => [specOf(value).name, specOf(value).shape]),
    )
    expect(found).toEqual(new Map([...values].map(([key, { shape }]) => [key, shape])))
    expect(found.size).toBe(2 * adapted)
  })

  describe.each([
    { engine: 'the oracle', run: oracle },
    { engine: 'onnxruntime', run: onnxruntime },
  ])('in $engine', ({ run }) => {
    it('the log-probabilities of the base model, packed, with the adapter off', async () => {
      const { logProb } = await run({ logProb: tuned.logProb }, feedsOf(expected.documents, 0), values)
      expect(largestDifference(logProb!, expected.base.flat())).toBeLessThan(1e-5)
    })

    it('the log-probabilities, the loss and the gradients of the adapted model', async () => {
      const gradients = gradientsOf(tuned.loss, Object.keys(expected.gradients))
      expect(Object.keys(gradients).length).toBeGreaterThanOrEqual(6)
      const { logProb, loss, ...found } = await run(
        { logProb: tuned.logProb, loss: tuned.loss, ...gradients },
        feedsOf(expected.documents, 1),
        values,
      )
      expect(largestDifference(logProb!, expected.tuned.flat())).toBeLessThan(1e-5)
      expect(Math.abs(loss![0]! - expected.loss)).toBeLessThan(1e-5)
      for (const [key, gradient] of Object.entries(expected.gradients)) {
        expect(relativeDifference(found[key]!, gradient), key).toBeLessThan(1e-4)
      }
    })

    it('the gradients of its own weights, both uses of the embedding added', async () => {
      const full = lossGraph(model, fullAttachment())
      const all = parametersOf([full.loss]).map((value) => specOf(value).name)
      expect(all.sort()).toEqual(model.weights.map((slice) => slice.name).sort())
      const gradients = gradientsOf(full.loss, Object.keys(expected.full.gradients))
      const { loss, ...found } = await run(
        { loss: full.loss, ...gradients },
        feedsOf(expected.documents, 0),
        new Map(),
      )
      expect(Math.abs(loss![0]! - expected.full.loss)).toBeLessThan(1e-5)
      for (const [key, gradient] of Object.entries(expected.full.gradients)) {
        // The fixture keeps the first rows of the embedding's gradient only.
        const part = Array.from(found[key]!).slice(0, gradient.length)
        expect(relativeDifference(part, gradient), key).toBeLessThan(1e-4)
      }
    })
  })
}

function specOf(value: Value): ParameterSpec {
  return value.node.attrs.spec as ParameterSpec
}

/** Gradients of the named parameters, by name. */
function gradientsOf(loss: Value, names: readonly string[]): Record<string, Value> {
  const parameters = parametersOf([loss]).filter((value) => names.includes(specOf(value).name))
  const gradients = grad(loss, parameters)
  return Object.fromEntries(parameters.map((value, i) => [specOf(value).name, gradients[i]!]))
}
