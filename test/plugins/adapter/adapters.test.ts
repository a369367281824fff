import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import full from '../../../plugins/adapter/full.ts'
import lora from '../../../plugins/adapter/lora.ts'
import { gemma3, readSafetensors, readTensor } from '../../../src/nn/index.ts'
import { type Model, OptionError, type StageContext } from '../../../src/plugin/contract.ts'
import { makeModel } from '../../helpers/make-model.ts'

const root = mkdtempSync(join(tmpdir(), 'medtune-adapter-'))
afterAll(() => rmSync(root, { recursive: true }))
const context: StageContext = { recipeDir: root, resolvePath: (path) => path, seed: 3, warn: () => {} }
const defaults = { rank: 4, alpha: 8, targets: 'all-linear', dropout: 0 }

let model: Model
beforeAll(async () => {
  const folder = await makeModel(join(root, 'base'), { dtype: 'bf16' })
  writeFileSync(join(folder, 'tokenizer.json'), '{"version":"1.0"}')
  writeFileSync(join(folder, 'generation_config.json'), '{"eos_token_id":[1,2]}')
  model = await gemma3(folder)
})

const folderFor = (name: string): string => {
  const folder = join(root, name)
  mkdirSync(folder)
  return folder
}

describe('adapter lora', () => {
  it('counts what trains', async () => {
    const plan = (await lora.create({ ...defaults, targets: ['q_proj', 'k_proj'] }, context)).plan(model)
    expect(plan.targets).toHaveLength(4)
    expect(plan.trainable).toBe(2 * 4 * (16 + 16 + 16 + 8))
  })

  it('refuses a rank beyond a projection, and unknown targets', async () => {
    const wide = await lora.create({ ...defaults, rank: 9 }, context)
    expect(() => wide.plan(model)).toThrow(OptionError)
    expect(() => wide.plan(model)).toThrow(
      /9 is more than model\.layers\.0\.self_attn\.k_proj allows, which is 8 x 16: at most 8/,
    )
    const nowhere = await lora.create({ ...defaults, targets: ['q_proj', 'up_project'] }, context)
    expect(() => nowhere.plan(model)).toThrow(expect.objectContaining({ path: 'targets.1' }))
  })

  it('writes what PEFT reads: the same names, shapes and settings as a file of PEFT', async () => {
    const folder = folderFor('lora')
    const fixture = fileURLToPath(new URL('../../fixtures/gemma3-tiny/old-keys', import.meta.url))
    const theirs = readSafetensors(join(fixture, 'adapter/adapter_model.safetensors'))
    const fixtureModel = await gemma3(fixture)
    const plan = (await lora.create({ ...defaults, alpha: 6, targets: ['v_proj', 'q_proj'] }, context)).plan(
      fixtureModel,
    )
    await plan.write(folder, async (name) => readTensor(theirs.tensors.get(name)!))

    const ours = readSafetensors(join(folder, 'adapter_model.safetensors'))
    expect([...ours.metadata]).toEqual([['format', 'pt']])
    expect([...ours.tensors.keys()].sort()).toEqual([...theirs.tensors.keys()].sort())
    for (const [name, slice] of ours.tensors) {
      expect(slice).toMatchObject({ dtype: 'f32', shape: theirs.tensors.get(name)!.shape })
      expect(await readTensor(slice)).toEqual(await readTensor(theirs.tensors.get(name)!))
    }
    const config = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))
    const peft = JSON.parse(readFileSync(join(fixture, 'adapter/adapter_config.json'), 'utf8'))
    expect(Object.keys(config)).toEqual(Object.keys(config).toSorted())
    const { base_model_name_or_path: base, target_modules: targets, ...others } = config
    expect(base).toBe(fixture)
    expect(targets).toEqual(peft.target_modules.toSorted())
    for (const [key, value] of Object.entries(others))
      expect({ key, value }).toEqual({ key, value: peft[key] })
  })
})

describe('adapter full', () => {
  it('trains every tensor', async () => {
    const plan = (await full.create({ dtype: 'bf16' }, context)).plan(model)
    expect(plan.trainable).toBe(model.parameters)
    expect(plan.targets).toEqual(model.weights.map(({ name }) => name))
  })

  it.each(['bf16', 'f32'] as const)('writes a model folder in %s that reads back', async (dtype) => {
    const folder = folderFor(`full-${dtype}`)
    const plan = (await full.create({ dtype }, context)).plan(model)
    const weights = new Map(model.weights.map((slice) => [slice.name, slice]))
    await plan.write(folder, async (name) => (await readTensor(weights.get(name)!)).map((x) => 2 * x))

    const written = await gemma3(folder)
    expect(written.weights.map(({ name, shape }) => ({ name, shape }))).toEqual(
      model.weights.map(({ name, shape }) => ({ name, shape })),
    )
    // Doubling a bfloat16 is exact in both types.
    for (const slice of written.weights) {
      expect(slice.dtype).toBe(dtype)
      expect(await readTensor(slice)).toEqual((await readTensor(weights.get(slice.name)!)).map((x) => 2 * x))
    }
    expect(written.config).toEqual({
      ...model.config,
      torch_dtype: dtype === 'bf16' ? 'bfloat16' : 'float32',
    })
    expect(readFileSync(join(folder, 'tokenizer.json'), 'utf8')).toBe('{"version":"1.0"}')
    expect(readFileSync(join(folder, 'generation_config.json'), 'utf8')).toBe('{"eos_token_id":[1,2]}')
  })
})
