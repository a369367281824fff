/** @file What the families llama and qwen3 read in config.json, and what they refuse. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import llama from '../../../plugins/model/llama.ts'
import qwen3 from '../../../plugins/model/qwen3.ts'
import { ropeFrequencies, type TensorData, writeSafetensors } from '../../../src/nn/index.ts'
import { InputError, type Model } from '../../../src/plugin/contract.ts'
import { context } from '../../data/rows.ts'
import { tempFolder } from '../../helpers/temp.ts'

const root = tempFolder()
let folders = 0

/** Opens a model of one layer through its plugin: 2 heads of 4, an inner width of 8. */
async function open(
  plugin: typeof llama,
  change: Record<string, unknown>,
  drop: readonly string[] = [],
): Promise<Model> {
  const folder = join(root, `model-${folders++}`)
  await mkdir(folder)
  const config = {
    model_type: plugin.name,
    vocab_size: 16,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 4,
    tie_word_embeddings: true,
    ...change,
  }
  await writeFile(join(folder, 'config.json'), JSON.stringify(config))
  await writeFile(join(folder, 'tokenizer.json'), '{}')
  await writeSafetensors(
    join(folder, 'model.safetensors'),
    tensors().filter(({ name }) => !drop.includes(name)),
  )
  return (await plugin.create({ path: folder }, context)).load()
}

function tensors(): TensorData[] {
  const one = (name: string, ...shape: number[]): TensorData => ({
    name,
    dtype: 'f32',
    shape,
    data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
  })
  const layer = (name: string, ...shape: number[]) => one(`model.layers.0.${name}.weight`, ...shape)
  return [
    one('model.embed_tokens.weight', 16, 8),
    one('model.norm.weight', 8),
    layer('input_layernorm', 8),
    layer('post_attention_layernorm', 8),
    layer('self_attn.q_proj', 8, 8),
    layer('self_attn.k_proj', 4, 8),
    layer('self_attn.v_proj', 4, 8),
    layer('self_attn.o_proj', 8, 8),
    layer('self_attn.q_norm', 4),
    layer('self_attn.k_norm', 4),
    layer('mlp.gate_proj', 8, 8),
    layer('mlp.up_proj', 8, 8),
    layer('mlp.down_proj', 8, 8),
  ]
}
const HEAD_NORMS = ['model.layers.0.self_attn.q_norm.weight', 'model.layers.0.self_attn.k_norm.weight']

describe('the shape', () => {
  it('of Llama has no norms of heads, of Qwen 3 it has', async () => {
    const plain = await open(llama, {}, HEAD_NORMS)
    expect(plain.weights).toHaveLength(11)
    expect(plain).toMatchObject({
      vocabSize: 16,
      maxLength: 2048,
      parameters: 16 * 8 + 3 * 8 + 8 * 8 * 5 + 2 * 4 * 8,
    })
    expect((await open(qwen3, {})).parameters).toBe(plain.parameters + 8)
    await expect(open(llama, {})).rejects.toThrow(
      /[qk]_norm\.weight is a tensor that the model of config\.json does not have/,
    )
    await expect(open(qwen3, {}, HEAD_NORMS)).rejects.toThrow(/q_norm\.weight \[4\] is missing/)
  })

  it('has a head of its own unless config.json ties it to the embedding', async () => {
    const untied = open(llama, { tie_word_embeddings: undefined }, HEAD_NORMS)
    await expect(untied).rejects.toThrow(/lm_head\.weight \[16, 8\] is missing/)
  })

  it('has heads that share the width where their size is left out', async () => {
    expect((await open(llama, { head_dim: undefined }, HEAD_NORMS)).sites[0]).toMatchObject({
      outFeatures: 8,
    })
    await expect(open(qwen3, { head_dim: undefined })).rejects.toThrow(/config\.json says \[256, 8\]/)
  })
})

const scaling = {
  rope_type: 'llama3',
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
}

describe('config.json', () => {
  it.each<[string, typeof llama, Record<string, unknown>, RegExp]>([
    [
      'another model',
      llama,
      { model_type: 'mistral' },
      /model_type is "mistral"; medtune supports "llama" only/,
    ],
    ['another model', qwen3, { model_type: 'qwen3_moe' }, /model_type is "qwen3_moe"/],
    ['biases', llama, { attention_bias: true }, /attention_bias is true/],
    ['feed-forward biases', llama, { mlp_bias: true }, /mlp_bias is true/],
    ['biases', qwen3, { attention_bias: true }, /attention_bias is true/],
    ['quantised weights', qwen3, { quantization_config: { bits: 4 } }, /bfloat16 or float32/],
    [
      'another activation',
      llama,
      { hidden_act: 'gelu' },
      /hidden_act is "gelu"; medtune supports "silu" only/,
    ],
    ['another scaling', llama, { rope_scaling: { rope_type: 'yarn' } }, /"llama3" scaling \(found "yarn"\)/],
    ['llama3 scaling', qwen3, { rope_scaling: scaling }, /"default" and "linear" scaling \(found "llama3"\)/],
    [
      'a factor of nothing',
      llama,
      { rope_scaling: { ...scaling, factor: 0 } },
      /factor is not a positive number/,
    ],
    [
      'no first length',
      llama,
      { rope_scaling: { ...scaling, original_max_position_embeddings: undefined } },
      /its original_max/,
    ],
    [
      'factors the wrong way',
      llama,
      { rope_scaling: { ...scaling, high_freq_factor: 1 } },
      /not above its low_freq_factor/,
    ],
    [
      'half-turned heads',
      llama,
      { rope_parameters: { partial_rotary_factor: 0.5 } },
      /partial_rotary_factor must be 1/,
    ],
    ['no width', qwen3, { hidden_size: undefined }, /hidden_size is missing/],
    [
      'heads that do not divide',
      llama,
      { hidden_size: 9, head_dim: undefined },
      /head_dim is not a whole number/,
    ],
  ])('refuses %s', async (_, plugin, change, pattern) => {
    const error = await open(plugin, change, plugin === llama ? HEAD_NORMS : []).catch(
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(InputError)
    expect((error as Error).message).toMatch(pattern)
  })
})

it('scales the slow pairs as Llama 3.2 does', () => {
  const plain = ropeFrequencies({ theta: 500_000, factor: 1 }, 64)
  const llama3 = { factor: 32, lowFactor: 1, highFactor: 4, originalLength: 8192 }
  const scaled = ropeFrequencies({ theta: 500_000, factor: 1, llama3 }, 64)
  const ratio = scaled.map((step, j) => step / plain[j]!)
  expect(ratio.slice(0, 15)).toEqual(new Array(15).fill(1))
  expect(ratio.slice(-14).every((value) => value === 1 / 32)).toBe(true)
  for (let j = 1; j < 32; j++) expect(ratio[j]!).toBeLessThanOrEqual(ratio[j - 1]!)
})
