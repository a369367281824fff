/** @file Adapters of PEFT read, run and written again: names, numbers and settings, against test/reference/lora_fixture.py. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import lora from '../../../plugins/adapter/lora.ts'
import { program } from '../../../src/compute/index.ts'
import { OnnxExecutor } from '../../../src/compute/onnx/index.ts'
import { collate } from '../../../src/data/index.ts'
import {
  gemma3,
  layOut,
  openPeftAdapter,
  parseGemma3Config,
  projections,
  readSafetensors,
  readTensor,
} from '../../../src/nn/index.ts'
import {
  type AdapterPlan,
  type Feeds,
  InputError,
  type Model,
  type StageContext,
} from '../../../src/plugin/contract.ts'
import { dropoutFeeds } from '../../../src/train/dropout.ts'
import { buildPrograms, feedsFor } from '../../../src/train/step.ts'
import { TINY_CONFIG } from '../../helpers/make-model.ts'
import { tempFolder } from '../../helpers/temp.ts'

interface Case {
  readonly seed: number
  readonly logProbs: number[][]
  readonly loss: number
  readonly gradients: Record<string, number[]>
  readonly magnitudes: Record<string, number[]>
}

const fixture = (path: string): string => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url))
const { documents, cases } = JSON.parse(readFileSync(fixture('peft-lora/expected.json'), 'utf8')) as {
  documents: number[][]
  cases: Record<string, Case>
}
const context: StageContext = { recipeDir: '', resolvePath: (path) => path, seed: 3, warn: () => {} }
const root = tempFolder()

let model: Model
beforeAll(async () => {
  model = await gemma3(fixture('gemma3-tiny/grouped'))
})

const executors: OnnxExecutor[] = []
afterAll(() => Promise.all(executors.map((executor) => executor.close())))

/** All documents in one row each, every token but the first a label. */
function feeds(gain: number) {
  const count = documents.reduce((total, ids) => total + ids.length - 1, 0)
  const encoded = documents.map((ids) => ({
    ids: Int32Array.from(ids),
    mask: new Uint8Array(ids.length).fill(1),
  }))
  const { rows, length, labels, ...batch } = collate(
    encoded.map((document) => [document]),
    1 / count,
  )
  const { ids, position, segment, branch, labelSlot, labelId, labelWeight } = batch
  return {
    count,
    dims: { rows, length, labels },
    fed: { ids, position, segment, branch, labelSlot, labelId, labelWeight, gain: Float32Array.of(gain) },
  }
}

/** What the plan computes: log-probabilities of every token, the loss, and the gradients asked for. */
async function compute(
  plan: AdapterPlan,
  { gain = 1, gradients = [] as readonly string[], extra = {} as Feeds } = {},
) {
  const executor = new OnnxExecutor({ threads: 1, prepack: false, arena: false, provider: 'cpu' })
  executors.push(executor)
  const { train } = buildPrograms(model, plan)
  const outputs = Object.fromEntries([
    ...train.outputs.map(({ name, value }) => [name, value] as const),
    ...gradients.map((name) => [name, train.parameters.find((p) => p.name === name)!.gradient!] as const),
  ])
  const asked = program({ name: 'asked', outputs })
  const { fed, dims, count } = feeds(gain)
  const results = await (await executor.compile(asked)).run(
    feedsFor(asked, { ...fed, ...extra }),
    dims,
    false,
  )
  return { executor, results, logProb: [...results.logProb!.subarray(0, count)] }
}

function worst(found: ArrayLike<number>, wanted: readonly number[]): number {
  expect(found.length).toBe(wanted.length)
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0)
}

const planFrom = async (folder: string, options = {}): Promise<AdapterPlan> =>
  (await lora.create({ from: folder, ...options }, context)).plan(model)

describe.each(Object.keys(cases))('an adapter of PEFT, %s', (name) => {
  const folder = fixture(`peft-lora/${name}`)
  const expected = cases[name]!

  it('computes the same log-probabilities, loss and gradients', async () => {
    const { results, logProb } = await compute(await planFrom(folder), {
      gradients: Object.keys(expected.gradients),
    })
    expect(worst(logProb, expected.logProbs.flat())).toBeLessThan(1e-4)
    expect(Math.abs(results.loss![0]! - expected.loss)).toBeLessThan(1e-5)
    for (const [key, gradient] of Object.entries(expected.gradients)) {
      const size = Math.max(...gradient.map(Math.abs))
      expect(size, key).toBeGreaterThan(0)
      expect(worst(results[key]!, gradient) / size, key).toBeLessThan(1e-4)
    }
  })

  it('is the base model with the adapter off', async () => {
    const frozen = (await lora.create({}, context)).plan(model)
    const base = await compute(frozen, { gain: 0 })
    const off = await compute(await planFrom(folder), { gain: 0 })
    expect(off.logProb).toEqual(base.logProb)
    expect(worst(off.logProb, expected.logProbs.flat())).toBeGreaterThan(0.1)
  })

  it('written again holds the same tensors, and settings that mean the same', async () => {
    const plan = await planFrom(folder)
    const { executor, logProb } = await compute(plan)
    const copy = join(root, name)
    mkdirSync(copy)
    await plan.write(copy, (parameter) => executor.read(parameter))
    const [ours, theirs] = [copy, folder].map((path) =>
      readSafetensors(join(path, 'adapter_model.safetensors')),
    )
    expect([...ours!.tensors.keys()].sort()).toEqual([...theirs!.tensors.keys()].sort())
    for (const [key, slice] of ours!.tensors) {
      expect(await readTensor(slice), key).toEqual(await readTensor(theirs!.tensors.get(key)!))
    }
    const again = openPeftAdapter(copy, model)
    const first = openPeftAdapter(folder, model)
    const meaning = ({ targets }: typeof again) =>
      targets.map(({ name, rank, scaling }) => ({ name, rank, scaling }))
    expect(meaning(again)).toEqual(meaning(first))
    expect((await compute(await planFrom(copy))).logProb).toEqual(logProb)
  })
})

it('DoRA starts from the row norms of W, at the base model', async () => {
  const options = { rank: 3, alpha: 6, dora: true, targets: ['q_proj', 'v_proj', 'up_proj'] }
  const plan = (await lora.create(options, context)).plan(model)
  const { executor, logProb } = await compute(plan)
  const base = await compute(plan, { gain: 0 })
  expect(worst(logProb, base.logProb)).toBeLessThan(1e-5)
  const fresh = Object.keys(cases.dora!.magnitudes)
  expect(fresh).toHaveLength(2)
  for (const key of fresh) {
    // PEFT's were taken of W alone, since B was zero then.
    expect(worst(await executor.read(key), cases.dora!.magnitudes[key]!), key).toBeLessThan(1e-6)
  }
  const size = model.sites.filter(({ name }) => /(q|v|up)_proj/.test(name))
  const pairs = size.reduce((total, site) => total + 3 * (site.inFeatures + site.outFeatures), 0)
  expect(plan.trainable).toBe(pairs + size.reduce((total, site) => total + site.outFeatures, 0))
})

it('LoRA+ trains as with its optimizer in PEFT, five steps from an adapter', async () => {
  const plus = JSON.parse(readFileSync(fixture('peft-lora/plus.json'), 'utf8'))
  const plan = await planFrom(fixture('peft-lora/dora'), { lora_plus: plus.options.loraplus_lr_ratio })
  const executor = new OnnxExecutor({ threads: 1, prepack: false, arena: false, provider: 'cpu' })
  executors.push(executor)
  const options = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: plus.options.loraplus_weight_decay }
  const module = new URL('../../../plugins/optimizer/adamw.ts', import.meta.url).href
  await executor.optimizer({ module, name: 'adamw', options })
  const { train } = buildPrograms(model, plan)
  const compiled = await executor.compile(train)
  const { fed, dims } = feeds(1)
  for (const [index, loss] of (plus.losses as number[]).entries()) {
    const found = await compiled.run(feedsFor(train, fed), dims, true)
    expect(Math.abs(found.loss![0]! - loss), `step ${index + 1}`).toBeLessThan(1e-5)
    await executor.update({ step: index + 1, lr: plus.options.lr, clip: 0 })
  }
  expect(Object.keys(plus.tensors)).toHaveLength(3)
  for (const [name, values] of Object.entries<number[]>(plus.tensors)) {
    expect(worst(await executor.read(name), values), name).toBeLessThan(1e-5)
  }
})

describe('OLoRA', () => {
  const expected = JSON.parse(readFileSync(fixture('peft-lora/olora.json'), 'utf8'))
  const targets = ['q_proj', 'down_proj']
  const options = { rank: 3, alpha: 6, targets, layers_to_transform: [0, 3], init: 'olora' as const }

  it.each([false, true])(
    'starts and trains as in PEFT, and is written for the base model as it is (rslora %s)',
    async (rslora) => {
      const plan = (await lora.create({ ...options, rslora }, context)).plan(model)
      const executor = new OnnxExecutor({ threads: 1, prepack: false, arena: false, provider: 'cpu' })
      executors.push(executor)
      const module = new URL('../../../plugins/optimizer/adamw.ts', import.meta.url).href
      await executor.optimizer({
        module,
        name: 'adamw',
        options: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 },
      })
      const { train } = buildPrograms(model, plan)
      const { run } = await executor.compile(train)
      for (const [name, values] of Object.entries<number[]>(expected.start)) {
        expect(worst(await executor.read(name), values), name).toBeLessThan(1e-5)
      }
      const { fed, dims, count } = feeds(1)
      for (const [index, loss] of (expected.losses as number[]).entries()) {
        const found = (await run(feedsFor(train, fed), dims, true)).loss![0]!
        if (!rslora || index === 0) expect(Math.abs(found - loss), `step ${index + 1}`).toBeLessThan(2e-5)
        await executor.update({ step: index + 1, lr: 5e-3, clip: 0 })
      }
      const trained = await run(feedsFor(train, fed), dims, false)
      const folder = join(root, `olora-${rslora}`)
      mkdirSync(folder)
      await plan.write(folder, (name) => executor.read(name))
      const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))
      expect(config).toMatchObject({ r: 6, init_lora_weights: true, rank_pattern: {}, alpha_pattern: {} })
      const again = await compute(await planFrom(folder))
      expect(worst(again.logProb, [...trained.logProb!.subarray(0, count)])).toBeLessThan(1e-5)
    },
  )

  it.each(['olora', 'pissa'] as const)('does not go with DoRA, %s', async (init) => {
    const both = await lora.create({ ...options, init, dora: true }, context)
    expect(() => both.plan(model)).toThrow(expect.objectContaining({ path: 'init' }))
  })
})

describe('PiSSA', () => {
  const expected = JSON.parse(readFileSync(fixture('peft-lora/pissa.json'), 'utf8'))
  const targets = ['q_proj', 'down_proj']
  const options = { rank: 3, alpha: 6, targets, layers_to_transform: [0, 3], init: 'pissa' as const }

  it.each([false, true])(
    'starts and trains as in PEFT, and is written for the base model as it is (rslora %s)',
    async (rslora) => {
      vi.stubEnv('MEDTUNE_CACHE', tempFolder())
      onTestFinished(() => void vi.unstubAllEnvs())
      const plan = (await lora.create({ ...options, rslora }, context)).plan(model)
      const executor = new OnnxExecutor({ threads: 1, prepack: false, arena: false, provider: 'cpu' })
      executors.push(executor)
      const module = new URL('../../../plugins/optimizer/adamw.ts', import.meta.url).href
      const adamw = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0 }
      await executor.optimizer({ module, name: 'adamw', options: adamw })
      const { train } = buildPrograms(model, plan)
      const { run } = await executor.compile(train)
      const scaling = rslora ? 6 / Math.sqrt(3) : 2
      expect(Object.keys(expected.products)).toHaveLength(2)
      for (const [name, values] of Object.entries<number[]>(expected.products)) {
        const { inFeatures, outFeatures } = model.sites.find((site) => site.name === name)!
        const [a, b] = await Promise.all(
          ['A', 'B'].map((part) => executor.read(`base_model.model.${name}.lora_${part}.weight`)),
        )
        const product = Array.from({ length: outFeatures * inFeatures }, (_, at) => {
          const [i, j] = [Math.floor(at / inFeatures), at % inFeatures]
          return [0, 1, 2].reduce((sum, k) => sum + scaling * b![i * 3 + k]! * a![k * inFeatures + j]!, 0)
        })
        const apart = Math.hypot(...product.map((value, i) => value - values[i]!))
        expect(apart / Math.hypot(...values), name).toBeLessThan(1e-5)
      }
      const { fed, dims, count } = feeds(1)
      for (const [index, loss] of (expected.losses as number[]).entries()) {
        const found = (await run(feedsFor(train, fed), dims, true)).loss![0]!
        if (!rslora || index === 0) expect(Math.abs(found - loss), `step ${index + 1}`).toBeLessThan(2e-5)
        await executor.update({ step: index + 1, lr: 5e-3, clip: 0 })
      }
      const trained = [...(await run(feedsFor(train, fed), dims, false)).logProb!.subarray(0, count)]
      if (!rslora) expect(worst(trained, expected.logProbs.flat())).toBeLessThan(1e-4)
      const base = await compute(plan, { gain: 0 })
      const frozen = await compute((await lora.create({}, context)).plan(model), { gain: 0 })
      expect(base.logProb).toEqual(frozen.logProb)
      const folder = join(root, `pissa-${rslora}`)
      mkdirSync(folder)
      await plan.write(folder, (name) => executor.read(name))
      const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))
      expect(config).toMatchObject({ r: 6, init_lora_weights: true, rank_pattern: {}, alpha_pattern: {} })
      const again = await compute(await planFrom(folder))
      expect(worst(again.logProb, trained)).toBeLessThan(1e-5)
    },
  )

  it('as PEFT writes it for the base model computes the same', async () => {
    const { logProb } = await compute(await planFrom(fixture('peft-lora/pissa')))
    expect(worst(logProb, expected.logProbs.flat())).toBeLessThan(1e-4)
  })
})

/** A mask of the fixture, laid out as the batch is: [rows, length, width]; padding is kept. */
function laidOut(hex: string, width: number, rows: number, length: number): Uint8Array {
  const bytes = Buffer.from(hex, 'hex')
  const mask = new Uint8Array(rows * length * width).fill(1)
  let at = 0
  documents.forEach((ids, row) => {
    for (let i = 0; i < ids.length * width; i++, at++)
      mask[row * length * width + i] = (bytes[at >> 3]! >> (at & 7)) & 1
  })
  return mask
}

describe.each(['patterns', 'dora'])('dropout, adapter %s', (name) => {
  const folder = fixture(`peft-lora/${name}`)
  const expected = JSON.parse(readFileSync(fixture('peft-lora/dropout.json'), 'utf8'))[name]

  it('computes the loss and gradients of PEFT under the same masks', async () => {
    const plan = await planFrom(folder, { dropout: expected.p })
    const { masks, scaleInput } = plan.training!
    const { rows, length } = feeds(1).dims
    const fed = masks.map((mask) => [
      mask.name,
      laidOut(expected.masks[mask.name.replace('dropout ', '')], mask.width, rows, length),
    ])
    const { results } = await compute(plan, {
      gradients: Object.keys(expected.gradients),
      extra: { ...Object.fromEntries(fed), [scaleInput]: Float32Array.of(1 / (1 - expected.p)) },
    })
    expect(Math.abs(results.loss![0]! - expected.loss)).toBeLessThan(1e-5)
    for (const [key, gradient] of Object.entries<number[]>(expected.gradients)) {
      expect(worst(results[key]!, gradient) / Math.max(...gradient.map(Math.abs)), key).toBeLessThan(1e-4)
    }
  })

  it('is off in evaluation, also by the training program', async () => {
    const plan = await planFrom(folder, { dropout: 0.25 })
    const off = await compute(plan, { extra: dropoutFeeds(plan, 3, feeds(1).dims) })
    const without = await compute(await planFrom(folder))
    expect(worst(off.logProb, without.logProb)).toBeLessThan(1e-5)
    const { score } = buildPrograms(model, plan)
    expect(score.inputs.filter(({ name }) => name.startsWith('dropout'))).toEqual([])
  })

  it('is the same at one place and another at the next', async () => {
    const plan = await planFrom(folder, { dropout: 0.25 })
    const at = async (step: number, row: number) =>
      (await compute(plan, { extra: dropoutFeeds(plan, 3, feeds(1).dims, { step, row }) })).results.loss![0]!
    const losses = [await at(1, 0), await at(1, 0), await at(2, 0), await at(1, 1)]
    expect(losses[1]).toBe(losses[0])
    expect(new Set(losses).size).toBe(3)
  })
})

it('writes the dropout into the settings of the adapter', async () => {
  const plan = await planFrom(fixture('peft-lora/patterns'), { dropout: 0.1 })
  const folder = join(root, 'dropout')
  mkdirSync(folder)
  const file = readSafetensors(join(fixture('peft-lora/patterns'), 'adapter_model.safetensors'))
  await plan.write(folder, (name) => readTensor(file.tensors.get(name)!))
  expect(JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')).lora_dropout).toBe(0.1)
})

describe('a recipe with `from`', () => {
  const folder = fixture('peft-lora/patterns')

  it('may repeat what the file says', async () => {
    expect((await planFrom(folder, { rank: 4, alpha: 6, rslora: false })).targets).toHaveLength(11)
    const dora = fixture('peft-lora/rslora')
    await planFrom(dora, { targets: '.*layers\\.[0-2]\\.(self_attn\\.o_proj|mlp\\.up_proj)', rslora: true })
  })

  it.each([
    ['rank', { rank: 8 }, /is 8, and the adapter .* has 4/],
    ['alpha', { alpha: 8 }, /has 6/],
    ['dora', { dora: true }, /has false/],
    ['targets', { targets: ['q_proj'] }, /are not those/],
    ['rank_pattern', { rank_pattern: { q_proj: 2 } }, /decided by the adapter/],
    ['init', { init: 'gaussian' as const }, /leave it out/],
    ['from', { from: join(root, 'nowhere') }, /there is no folder/],
  ])('is refused at %s where it says something else', async (path, options, message) => {
    await expect(planFrom(folder, options)).rejects.toThrow(message)
    await expect(planFrom(folder, options)).rejects.toThrow(expect.objectContaining({ path }))
  })
})

describe('an adapter that does not serve', () => {
  const folder = fixture('peft-lora/dora')
  const changed = (name: string, change: Record<string, unknown>): string => {
    const copy = join(root, `bad-${name}`)
    cpSync(folder, copy, { recursive: true })
    const file = join(copy, 'adapter_config.json')
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }))
    return copy
  }

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['another kind', { peft_type: 'LOHA' }, /peft_type is "LOHA"/],
    [
      'whole modules',
      { modules_to_save: ['lm_head'] },
      /modules_to_save is \["lm_head"\]: it trains whole modules/,
    ],
    ['QALoRA', { use_qalora: true }, /is a QALoRA, which medtune does not support/],
    ['PiSSA', { init_lora_weights: 'pissa_niter_4' }, /path_initial_model_for_weight_conversion/],
    ['another rank', { r: 2 }, /is \[3, 32\], where .* need \[2, 32\]/],
    ['no DoRA', { use_dora: false }, /lora_magnitude_vector" belongs to no target/],
    ['more targets', { target_modules: ['q_proj', 'v_proj', 'up_proj', 'o_proj'] }, /is missing, which/],
    ['fewer targets', { target_modules: ['q_proj'] }, /belongs to no target/],
    [
      'unknown targets',
      { target_modules: ['query'] },
      /does not fit this model: targets.0 "query" is no projection/,
    ],
    ['a rank of text', { r: 'four' }, /r is "four"/],
  ])('%s is refused', (name, change, message) => {
    const attempt = () => openPeftAdapter(changed(name, change), model)
    expect(attempt).toThrow(InputError)
    expect(attempt).toThrow(message)
  })

  it('unknown keys are passed over', () => {
    const copy = changed('fine', { some_new_key: { a: 1 }, eva_config: null, lora_dropout: 0.05 })
    expect(openPeftAdapter(copy, model).targets).toHaveLength(9)
  })
})

const real = fileURLToPath(new URL('../../../../shared/data/adapters/gemma3-270m-r4', import.meta.url))
it.skipIf(!existsSync(real))('reads a real adapter of Gemma 3 270M (skipped where it is not at hand)', () => {
  const shape = { vocab_size: 262144, hidden_size: 640, intermediate_size: 2048, num_hidden_layers: 18 }
  const heads = { num_attention_heads: 4, num_key_value_heads: 1, head_dim: 256 }
  const layout = layOut(parseGemma3Config({ ...TINY_CONFIG, ...shape, ...heads }, real), (name, size) => {
    return { name, file: '', offset: 0, dtype: 'bf16', shape: size }
  })
  const sites = layout.layers.flatMap(projections)
  const { targets, config } = openPeftAdapter(real, { sites, weights: [] })
  expect(config).toMatchObject({ rank: 4, alpha: 16, rslora: false, dora: false })
  expect(targets).toHaveLength(72)
  expect(targets[0]).toMatchObject({
    name: 'model.layers.0.self_attn.q_proj',
    scaling: 4,
    a: { shape: [4, 640], init: { kind: 'weight', dtype: 'f32' } },
    b: { shape: [1024, 4] },
  })
})
