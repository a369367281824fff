/** Recompute must change nothing but the time at which a layer's activations exist. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import full from '../../plugins/adapter/full.ts'
import { toposort } from '../../src/compute/graph.ts'
import type { Node, Value } from '../../src/compute/index.ts'
import { OnnxExecutor } from '../../src/compute/onnx/index.ts'
import { collate } from '../../src/data/index.ts'
import type { Adapter, AdapterPlan, Model } from '../../src/plugin/contract.ts'
import { buildPrograms } from '../../src/train/step.ts'
import { openGradients } from '../helpers/gradients.ts'
import { documentOf } from '../helpers/memory-split.ts'
import { tinyLora } from '../helpers/tiny-lora.ts'

const LAYERS = 4
const config = { num_hidden_layers: LAYERS }
const executor = new OnnxExecutor({ threads: 2, prepack: false, arena: true, provider: 'cpu' })
afterAll(() => executor.close())

/** Two rows of several documents, and padding at the end of both. */
const batch = collate([[documentOf(60, 20, 1), documentOf(40, 1, 2)], [documentOf(90, 70, 3)]], 1 / 91)

const stepOf = async (model: Model, plan: AdapterPlan, recompute: boolean) =>
  (await openGradients(executor, model, plan, { recompute }))(batch)

const cases: readonly (readonly [string, () => Promise<{ model: Model; plan: AdapterPlan }>])[] = [
  ['LoRA', () => tinyLora({}, config)],
  ['DoRA with dropout', () => tinyLora({ dora: true, dropout: 0.2 }, config)],
  [
    'LoRA on the upper half alone',
    () => tinyLora({ targets: ['q_proj'], layers_to_transform: [2, 3] }, config),
  ],
  [
    'every weight',
    async () => {
      const { model } = await tinyLora({}, config)
      const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 3, warn: () => {} }
      return { model, plan: ((await full.create({ dtype: 'f32' }, context)) as Adapter).plan(model) }
    },
  ],
]

describe.each(cases)('%s', (_, open) => {
  let model: Model
  let plan: AdapterPlan
  beforeAll(async () => {
    ;({ model, plan } = await open())
  })

  test('the same loss and the same gradients, to the bit', async () => {
    const [kept, again] = [await stepOf(model, plan, false), await stepOf(model, plan, true)]
    expect(Object.keys(again)).toEqual(Object.keys(kept))
    for (const [name, values] of Object.entries(kept)) {
      expect(Buffer.from(again[name]!.buffer).equals(Buffer.from(values.buffer)), name).toBe(true)
      expect(
        values.some((value) => value !== 0),
        name,
      ).toBe(true)
    }
  })

  test('one layer at a time is held in the backward pass, and between the passes only boundaries', () => {
    const { train } = buildPrograms(model, plan, { recompute: true })
    const layers = layersOf(
      train.order,
      train.outputs.map(({ value }) => value),
    )
    expect(new Set(layers.values()).size).toBeGreaterThan(1)
    const lifetimes = lastUses(train.order)
    const spans = [...layers].map(([value, layer]) => ({ layer, ...lifetimes.get(value)! }))
    for (const a of spans) {
      for (const b of spans) if (a.layer < b.layer) expect(a.from).toBeGreaterThan(b.to)
    }
  })
})

/** The copies in the backward pass, by the boundary that they start from: counted from the first layer. */
function layersOf(order: readonly Node[], outputs: readonly Value[]): Map<Value, number> {
  const forward = new Set(toposort(outputs))
  const boundaries = [
    ...new Set(order.filter(({ op }) => op.name === 'after').map(({ inputs }) => inputs[0]!)),
  ]
  const position = new Map(boundaries.map((value) => [value, order.indexOf(value.node)]))
  boundaries.sort((a, b) => position.get(a)! - position.get(b)!)
  const layers = new Map<Value, number>()
  for (const node of order) {
    if (forward.has(node) || node.op.name.endsWith('-grad')) continue
    const from = node.op.name === 'after' ? boundaries.indexOf(node.inputs[0]!) : undefined
    const inherited = node.inputs.map((value) => layers.get(value) ?? -1)
    // What reads a gradient belongs to the backward pass proper.
    const own = node.inputs.every((value) => forward.has(value.node) || layers.has(value))
    const layer = from ?? (own ? Math.max(...inherited) : -1)
    if (layer >= 0) for (const value of node.outputs) layers.set(value, layer)
  }
  return layers
}

function lastUses(order: readonly Node[]): Map<Value, { from: number; to: number }> {
  const spans = new Map<Value, { from: number; to: number }>()
  order.forEach((node, at) => {
    for (const value of node.inputs) {
      const span = spans.get(value)
      if (span) span.to = at
    }
    for (const value of node.outputs) spans.set(value, { from: at, to: at })
  })
  return spans
}

test('what depends on no layer is not computed again', async () => {
  const { model, plan } = await tinyLora({ dora: true }, config)
  const count = (recompute: boolean, name: string): number =>
    buildPrograms(model, plan, { recompute }).train.order.filter(({ op }) => op.name === name).length
  for (const name of ['inverse-row-norm', 'embed', 'head-loss', 'weight', 'parameter', 'take-rows']) {
    expect(count(true, name), name).toBe(count(false, name))
  }
  expect(count(true, 'attention')).toBe(2 * LAYERS)
  expect(count(false, 'attention')).toBe(LAYERS)
})
