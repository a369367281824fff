import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { gemma3, readSafetensors, readTensor, type TensorData, writeSafetensors } from '../../src/nn/index.ts'
import { InputError } from '../../src/plugin/contract.ts'
import { makeModel, TINY_CONFIG } from '../helpers/make-model.ts'

const root = mkdtempSync(join(tmpdir(), 'medtune-gemma3-'))
afterAll(() => rmSync(root, { recursive: true }))
const fresh = (): string => mkdtempSync(join(root, 'model-'))

/** A model folder whose tensors went through `change`. */
async function changed(change: (tensors: TensorData[]) => TensorData[], config = {}): Promise<string> {
  const folder = await makeModel(fresh(), { config })
  const file = join(folder, 'model.safetensors')
  const tensors = await Promise.all(
    [...readSafetensors(file).tensors.values()].map(async (slice) => ({
      name: slice.name,
      dtype: 'f32' as const,
      shape: slice.shape,
      data: await readTensor(slice),
    })),
  )
  await writeSafetensors(file, change(tensors))
  return folder
}

async function messageOf(folder: string): Promise<string> {
  const error = await gemma3(folder).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(InputError)
  return (error as Error).message
}

const UP = 'model.layers.1.mlp.up_proj.weight'
const extra = (name: string): TensorData => ({ name, dtype: 'f32', shape: [2], data: new Float32Array(2) })

describe('a model folder', () => {
  it('counts its parameters and lists its projections in module order', async () => {
    const model = await gemma3(await makeModel(fresh()))
    const layer = 16 * 16 * 2 + 16 * 8 * 2 + 3 * 16 * 24 + 2 * 8 + 4 * 16
    expect(model.parameters).toBe(64 * 16 + 2 * layer + 16)
    expect(model.weights).toHaveLength(13 * 2 + 2)
    expect(model.sites.slice(0, 7).map(({ name }) => name.replace('model.layers.0.', ''))).toEqual([
      'self_attn.q_proj',
      'self_attn.k_proj',
      'self_attn.v_proj',
      'self_attn.o_proj',
      'mlp.gate_proj',
      'mlp.up_proj',
      'mlp.down_proj',
    ])
    expect(model.sites[1]).toMatchObject({ inFeatures: 16, outFeatures: 8 })
    expect(model).toMatchObject({
      vocabSize: 64,
      maxLength: 256,
      cost: { body: 2 * (layer - 2 * 8 - 4 * 16), head: 64 * 16 },
    })
  })

  it('has the true size of the 270M model', async () => {
    const { layOut, parseGemma3Config } = await import('../../src/nn/index.ts')
    const shape = {
      hidden_size: 640,
      intermediate_size: 2048,
      num_hidden_layers: 18,
      vocab_size: 262144,
      head_dim: 256,
      num_attention_heads: 4,
    }
    let parameters = 0
    layOut(parseGemma3Config({ ...TINY_CONFIG, ...shape }, ''), (name, sizes) => {
      parameters += sizes.reduce((a, b) => a * b, 1)
      return { name, file: '', offset: 0, dtype: 'bf16', shape: sizes }
    })
    expect(parameters).toBe(268_098_176)
  })

  it('may store the tied head as well, which is then not read', async () => {
    const folder = await changed((tensors) => [
      ...tensors,
      { ...tensors.find(({ name }) => name.includes('embed'))!, name: 'lm_head.weight' },
    ])
    const model = await gemma3(folder)
    expect(model.weights.map(({ name }) => name)).not.toContain('lm_head.weight')
  })

  it('may have a head of its own', async () => {
    const model = await gemma3(await makeModel(fresh(), { config: { tie_word_embeddings: false } }))
    expect(model.weights.at(-1)).toMatchObject({ name: 'lm_head.weight', shape: [64, 16] })
    const tied = await makeModel(fresh())
    writeFileSync(join(tied, 'config.json'), JSON.stringify({ ...TINY_CONFIG, tie_word_embeddings: false }))
    expect(await messageOf(tied)).toMatch(/lm_head\.weight \[64, 16\] is missing/)
  })

  it('may keep the text model below a prefix, beside a vision tower', async () => {
    for (const prefix of ['language_model.model.', 'model.language_model.']) {
      const folder = await changed((tensors) => [
        ...tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace('model.', prefix) })),
        extra('vision_tower.patch.weight'),
      ])
      writeFileSync(
        join(folder, 'config.json'),
        JSON.stringify({ model_type: 'gemma3', text_config: TINY_CONFIG }),
      )
      const model = await gemma3(folder)
      expect(model.sites[0]!.name).toBe('model.layers.0.self_attn.q_proj')
      expect(model.weights).toHaveLength(28)
    }
  })

  it('is refused when a tensor has another shape', async () => {
    const folder = await changed((tensors) =>
      tensors.map((t) => (t.name === UP ? { ...t, shape: [16, 24] } : t)),
    )
    expect(await messageOf(folder)).toMatch(
      /^model\.layers\.1\.mlp\.up_proj\.weight in \/.*model\.safetensors is \[16, 24\], config\.json says \[24, 16\]/,
    )
  })

  it('is refused when the vocabulary is another', async () => {
    const folder = await makeModel(fresh())
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...TINY_CONFIG, vocab_size: 65 }))
    expect(await messageOf(folder)).toMatch(
      /embed_tokens\.weight in .* is \[64, 16\], config\.json says \[65, 16\]/,
    )
  })

  it('is refused when a tensor is missing', async () => {
    const folder = await changed((tensors) => tensors.filter(({ name }) => name !== UP))
    expect(await messageOf(folder)).toMatch(
      /model\.safetensors: model\.layers\.1\.mlp\.up_proj\.weight \[24, 16\] is missing among its 27 tensors/,
    )
  })

  it('is refused when a tensor is left over', async () => {
    const more = await changed((tensors) => [...tensors, extra('model.layers.2.input_layernorm.weight')])
    expect(await messageOf(more)).toMatch(
      /model\.layers\.2\.input_layernorm\.weight is a tensor that the model of config\.json does not have/,
    )
    const bias = await changed((tensors) => [...tensors, extra('model.layers.0.self_attn.q_proj.bias')])
    expect(await messageOf(bias)).toMatch(/q_proj\.bias/)
    const buffer = await changed((tensors) => [
      ...tensors,
      extra('model.layers.0.self_attn.rotary_emb.inv_freq'),
    ])
    expect((await gemma3(buffer)).weights).toHaveLength(28)
  })

  it('is refused without a readable config.json', async () => {
    expect(await messageOf(fresh())).toMatch(/config\.json: no such file/)
    const folder = await makeModel(fresh())
    writeFileSync(join(folder, 'config.json'), '{"model_type": ')
    expect(await messageOf(folder)).toMatch(/config\.json: not JSON/)
    writeFileSync(join(folder, 'config.json'), '[]')
    expect(await messageOf(folder)).toMatch(/config\.json: not a JSON object/)
  })
})
