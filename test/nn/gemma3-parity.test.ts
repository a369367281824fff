/** @file The graph of a Gemma 3 and its adapter, against what transformers and PEFT computed (test/reference/gemma3_fixture.py). */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  grad,
  headLoss,
  input,
  type ParameterSpec,
  parametersOf,
  type Tensor,
  takeRows,
  type Value,
} from '../../src/compute/index.ts'
import {
  fullAttachment,
  gemma3,
  loraAttachment,
  matchTargets,
  readSafetensors,
  readTensor,
} from '../../src/nn/index.ts'
import type { Attachment, Model } from '../../src/plugin/contract.ts'
import { type OracleFeeds, runOracle, tensor } from '../helpers/oracle.ts'

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

const folderOf = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/gemma3-tiny/${name}`, import.meta.url))

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

/** Feeds of the packed batch. Labels come document by document, so that results can be cut apart again. */
function feeds(documents: readonly Document[], gain: number): Record<string, Tensor> {
  const size = ROWS.length * LENGTH
  const [ids, position, branch] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)]
  const segment = new Float64Array(size).fill(-1)
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
  const shape = [ROWS.length, LENGTH]
  return {
    ids: tensor(ids, shape),
    position: tensor(position, shape),
    segment: tensor(segment, shape),
    branch: tensor(branch, shape),
    gain: tensor([gain], []),
    labelSlot: tensor(slot, [slot.length]),
    labelId: tensor(id, [id.length]),
    labelWeight: tensor(
      slot.map(() => 1 / slot.length),
      [slot.length],
    ),
  }
}

async function adapterValues(folder: string): Promise<Map<string, Tensor>> {
  const values = new Map<string, Tensor>()
  for (const [name, slice] of readSafetensors(`${folder}/adapter/adapter_model.safetensors`).tensors) {
    values.set(name, tensor(await readTensor(slice), slice.shape))
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

describe.each([
  { name: 'grouped', targets: 'all-linear' as string | string[], adapted: 49 },
  { name: 'old-keys', targets: ['q_proj', 'v_proj'], adapted: 12 },
])('Gemma 3 "$name" as transformers computes it', ({ name, targets, adapted }) => {
  const folder = folderOf(name)
  const expected: Expected = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8'))
  let model: Model
  let tuned: Graph
  let values: Map<string, Tensor>

  beforeAll(async () => {
    model = await gemma3(folder)
    const sites = matchTargets(targets, model.sites)
    tuned = lossGraph(model, loraAttachment(sites, { rank: 4, alpha: 6, seed: 0 }))
    values = await adapterValues(folder)
  })

  const run = (outputs: readonly Value[], gain: number): Promise<Tensor[]> =>
    runOracle(outputs, { inputs: feeds(expected.documents, gain), parameters: values } satisfies OracleFeeds)

  it('names and shapes its parameters as the adapter file of PEFT does', () => {
    const specs = parametersOf([tuned.loss]).map((value) => value.node.attrs.spec as ParameterSpec)
    const found = new Map(specs.map((spec) => [spec.name, spec.shape]))
    expect(found).toEqual(new Map([...values].map(([key, { shape }]) => [key, shape])))
    expect(found.size).toBe(2 * adapted)
  })

  it('gives the log-probabilities of the base model, packed, with the adapter off', async () => {
    const [logProb] = await run([tuned.logProb], 0)
    expect(largestDifference(logProb!.data, expected.base.flat())).toBeLessThan(1e-5)
  })

  it('gives the log-probabilities and the loss of the adapted model', async () => {
    const [logProb, loss] = await run([tuned.logProb, tuned.loss], 1)
    expect(largestDifference(logProb!.data, expected.tuned.flat())).toBeLessThan(1e-5)
    expect(Math.abs(loss!.data[0]! - expected.loss)).toBeLessThan(1e-5)
  })

  it('gives the gradients of the adapter', async () => {
    const parameters = parametersOf([tuned.loss])
    const named = new Map(parameters.map((value) => [(value.node.attrs.spec as ParameterSpec).name, value]))
    const wanted = Object.entries(expected.gradients)
    expect(wanted.length).toBeGreaterThanOrEqual(6)
    const gradients = grad(
      tuned.loss,
      wanted.map(([key]) => named.get(key)!),
    )
    const found = await run(gradients as Value[], 1)
    for (const [i, [key, gradient]] of wanted.entries()) {
      expect(relativeDifference(found[i]!.data, gradient), key).toBeLessThan(1e-4)
    }
  })

  it('gives the gradients of its own weights, both uses of the embedding added', async () => {
    const full = lossGraph(model, fullAttachment())
    const named = new Map(
      parametersOf([full.loss]).map((value) => [(value.node.attrs.spec as ParameterSpec).name, value]),
    )
    expect([...named.keys()].sort()).toEqual(model.weights.map((slice) => slice.name).sort())
    const wanted = Object.entries(expected.full.gradients)
    const gradients = grad(
      full.loss,
      wanted.map(([key]) => named.get(key)!),
    ) as Value[]
    const [loss, ...found] = await run([full.loss, ...gradients], 0)
    expect(Math.abs(loss!.data[0]! - expected.full.loss)).toBeLessThan(1e-5)
    for (const [i, [key, gradient]] of wanted.entries()) {
      // The fixture keeps the first rows of the embedding's gradient only.
      expect(relativeDifference(found[i]!.data.subarray(0, gradient.length), gradient), key).toBeLessThan(
        1e-4,
      )
    }
  })
})
