/** The memory that a program is said to take, against what ONNX Runtime's own profile tells of a run. */
import { beforeAll, describe, expect, test } from 'vitest'
import full from '../../../plugins/adapter/full.ts'
import { type Dims, grad, input, mul, type Program, program, sum } from '../../../src/compute/index.ts'
import { lowerGraph } from '../../../src/compute/onnx/lower.ts'
import { graphMemory, type Moment, memoryInTime, programMemory } from '../../../src/compute/onnx/memory.ts'
import type { Adapter, AdapterPlan, Model } from '../../../src/plugin/contract.ts'
import { buildPrograms } from '../../../src/train/step.ts'
import { type ProfiledNode, profiled } from '../../helpers/profile.ts'
import { tinyLora } from '../../helpers/tiny-lora.ts'
import { LENGTH, opCases, ROWS, scannedHead } from '../op-cases.ts'

const peak = (list: readonly { readonly bytes: number }[]): number =>
  list.reduce((most, { bytes }) => Math.max(most, bytes), 0)

/** The profile without the nodes of bodies, whose names no moment has; and those alone. */
function split(profile: readonly ProfiledNode[], moments: readonly Moment[]) {
  const known = new Set(moments.map(({ node }) => node.outputs[0]))
  const own = profile.filter(({ output }) => known.has(output))
  return { own, inside: profile.filter(({ output }) => !known.has(output)) }
}

/** The same nodes in the same order with the same shapes, and the same peak but for small change. */
async function expectForeseen(traced: Program, dims: Dims, feeds = {}): Promise<void> {
  const moments = memoryInTime(lowerGraph(traced), dims)
  const profile = await profiled(traced, dims, feeds)
  const { own, inside } = split(profile, moments)
  expect(moments.map(({ node }) => [node.outputs[0], node.type])).toEqual(
    own.map(({ output, type }) => [output, type]),
  )
  moments.forEach(({ shapes, node }, i) => {
    expect(own[i]!.shapes, `${node.type} ${node.outputs[0]}`).toEqual(shapes)
  })
  const measured = peak(own.concat(inside))
  expect(Math.abs(peak(moments) - measured), `${peak(moments)} of ${measured}`).toBeLessThan(
    0.02 * measured + 2048,
  )
}

describe('each op with its gradient', () => {
  test.each([...opCases(), scannedHead()].map((c) => [c.name, c] as const))('%s', async (_, c) => {
    const targets = c.inputs.filter(({ differentiable }) => differentiable)
    const loss = c.outputs[0]!.shape.length === 0 ? c.outputs[0]! : sum(c.outputs[0]!)
    const gradients = grad(
      loss,
      targets.map(({ value }) => value),
    )
    const wanted = targets.flatMap(({ name }, i) =>
      gradients[i] ? [[`d ${name}`, gradients[i]] as const] : [],
    )
    const traced = program({ name: c.name, outputs: { loss, ...Object.fromEntries(wanted) } })
    const feeds = Object.fromEntries(c.inputs.map(({ name, data }) => [name, data]))
    await expectForeseen(traced, { rows: ROWS, length: LENGTH, labels: 128 }, feeds)
  })
})

const dims = { rows: 2, length: 256, labels: 384 }
const layers = { num_hidden_layers: 3, num_attention_heads: 4, num_key_value_heads: 2 }

describe.each([
  ['LoRA', () => tinyLora({}, layers)],
  ['DoRA with dropout', () => tinyLora({ dora: true, dropout: 0.1 }, layers)],
  [
    'every weight',
    async () => {
      const { model } = await tinyLora({}, layers)
      const context = { recipeDir: '', resolvePath: (path: string) => path, seed: 3, warn: () => {} }
      return { model, plan: ((await full.create({ dtype: 'f32' }, context)) as Adapter).plan(model) }
    },
  ],
] as const)('a training step, %s', (_, open: () => Promise<{ model: Model; plan: AdapterPlan }>) => {
  let model: Model
  let plan: AdapterPlan
  beforeAll(async () => {
    ;({ model, plan } = await open())
  })
  test.each([false, true])('recompute %s', async (recompute) => {
    await expectForeseen(buildPrograms(model, plan, { recompute }).train, dims)
  })
  test('scoring', async () => {
    await expectForeseen(buildPrograms(model, plan).score, dims)
  })
})

describe('a deeper model', () => {
  const peakOf = async (num_hidden_layers: number, recompute: boolean): Promise<number> => {
    const { model, plan } = await tinyLora({}, { num_hidden_layers })
    const { train } = buildPrograms(model, plan, { recompute })
    return graphMemory(lowerGraph(train), { rows: 1, length: 512, labels: 128 }, false).activations
  }

  test('takes the residual stream of a layer more with recompute, and much more without', async () => {
    const residual = 4 * 512 * 16
    const more = async (recompute: boolean): Promise<number> =>
      ((await peakOf(18, recompute)) - (await peakOf(12, recompute))) / 6
    expect(await more(true)).toBeGreaterThanOrEqual(residual)
    expect(await more(true)).toBeLessThan(1.1 * residual)
    expect(await more(false)).toBeGreaterThan(40 * residual)
  })
})

test('an arena takes more than what is held at once, the more so the less its blocks fit', async () => {
  const { model, plan } = await tinyLora({}, layers)
  for (const recompute of [false, true]) {
    const { train } = buildPrograms(model, plan, { recompute })
    const held = graphMemory(lowerGraph(train), dims, false).activations
    const { activations } = programMemory(train, { prepack: false, arena: true })(dims)
    expect(activations / held).toBeGreaterThan(1)
    expect(activations / held).toBeLessThan(1.5)
  }
})

test('what an arena touches after the first run is counted too', () => {
  const MIB = 2 ** 20
  const megabytes = (dim: 'length' | 'rows') => input(dim, 'f32', [dim, MIB / 4])
  const [smaller, larger] = [megabytes('length'), megabytes('rows')]
  const outputs = { a: mul(smaller, smaller), b: mul(larger, larger), c: mul(larger, larger) }
  const foreseen = programMemory(program({ name: 'three', outputs }), { prepack: false, arena: true })
  // Each lies in a region of 1 GiB; the second run begins in the one made last, so that 700 come where 600 were.
  expect(foreseen({ length: 600, rows: 700 }).activations).toBe(2100 * MIB)
})

test('packed weights are counted, and the first form of those that only products read is not', async () => {
  const { model, plan } = await tinyLora()
  const { train } = buildPrograms(model, plan)
  const weights = (prepack: boolean) =>
    graphMemory(lowerGraph(train), { rows: 1, length: 128, labels: 128 }, prepack).weights
  const plain = 4 * model.parameters
  expect(weights(false)).toBeGreaterThanOrEqual(plain)
  expect(weights(false)).toBeLessThan(1.1 * plain)
  // Twice each projection for both directions, less its first form; the tied head twice, beside the embedding.
  const projections =
    4 * model.sites.reduce((n, { inFeatures, outFeatures }) => n + inFeatures * outFeatures, 0)
  expect(weights(true)).toBeLessThan(weights(false) + projections + 2 * 4 * 64 * 16 + 1)
  expect(weights(true)).toBeGreaterThan(weights(false) + 0.7 * projections)
})
