import { describe, expect, it } from 'vitest'
import { parseGemma3Config } from '../../src/nn/index.ts'
import { InputError } from '../../src/plugin/contract.ts'
import { TINY_CONFIG } from '../helpers/make-model.ts'

/** What the files of the 270M model say. */
const OLD_270M = {
  model_type: 'gemma3_text',
  hidden_size: 640,
  num_hidden_layers: 18,
  num_attention_heads: 4,
  num_key_value_heads: 1,
  head_dim: 256,
  intermediate_size: 2048,
  vocab_size: 262144,
  sliding_window: 512,
  max_position_embeddings: 32768,
  rope_theta: 1e6,
  rope_local_base_freq: 1e4,
  rope_scaling: null,
  query_pre_attn_scalar: 256,
  rms_norm_eps: 1e-6,
  hidden_activation: 'gelu_pytorch_tanh',
  attn_logit_softcapping: null,
  final_logit_softcapping: null,
  eos_token_id: [1, 106],
  _sliding_window_pattern: 6,
  use_bidirectional_attention: false,
  torch_dtype: 'bfloat16',
}
const {
  rope_theta: _theta,
  rope_local_base_freq: _local,
  rope_scaling: _scaling,
  torch_dtype: _dtype,
  ...rest
} = OLD_270M
const NEW_270M = {
  ...rest,
  dtype: 'bfloat16',
  eos_token_id: 1,
  rope_parameters: {
    full_attention: { rope_theta: 1e6, rope_type: 'default' },
    sliding_attention: { rope_theta: 1e4, rope_type: 'default' },
  },
}
const parse = (json: Record<string, unknown>) => parseGemma3Config(json, 'config.json')

describe('config.json', () => {
  it('reads the same from the old and the new spelling', () => {
    const config = parse(OLD_270M)
    expect(config).toMatchObject({
      vocabSize: 262144,
      hiddenSize: 640,
      heads: 4,
      kvHeads: 1,
      headDim: 256,
      window: 512,
      scoreScale: 0.0625,
      tied: true,
      rope: { full: { theta: 1e6, factor: 1 }, sliding: { theta: 1e4, factor: 1 } },
    })
    expect(config.layers.flatMap((kind, i) => (kind === 'full' ? [i] : []))).toEqual([5, 11, 17])
    expect(parse(NEW_270M)).toEqual(config)
  })

  it('stretches the full layers only', () => {
    const scaled = { full: { theta: 1e6, factor: 8 }, sliding: { theta: 1e4, factor: 1 } }
    expect(parse({ ...OLD_270M, rope_scaling: { rope_type: 'linear', factor: 8 } }).rope).toEqual(scaled)
    expect(parse({ ...OLD_270M, rope_scaling: { type: 'linear', factor: 8 } }).rope).toEqual(scaled)
    const full = { rope_theta: 1e6, rope_type: 'linear', factor: 8 }
    expect(parse({ ...NEW_270M, rope_parameters: { full_attention: full } }).rope).toEqual(scaled)
  })

  it('takes the layers as listed, and else by their pattern', () => {
    const layer_types = ['full_attention', 'sliding_attention']
    expect(parse({ ...TINY_CONFIG, layer_types }).layers).toEqual(['full', 'sliding'])
    expect(parse({ ...TINY_CONFIG, num_hidden_layers: 4, sliding_window_pattern: 2 }).layers).toEqual([
      'sliding',
      'full',
      'sliding',
      'full',
    ])
  })

  it('fills what is left out with the defaults of the family', () => {
    const config = parse({
      model_type: 'gemma3_text',
      hidden_size: 2560,
      intermediate_size: 10240,
      num_hidden_layers: 34,
    })
    expect(config).toMatchObject({
      vocabSize: 262208,
      heads: 8,
      kvHeads: 4,
      headDim: 256,
      window: 4096,
      maxLength: 131072,
      normEps: 1e-6,
    })
  })

  it('reads the text part of a multimodal model', () => {
    const config = parse({
      model_type: 'gemma3',
      vision_config: {},
      text_config: { ...NEW_270M, model_type: 'gemma3_text' },
    })
    expect(config).toEqual(parse(NEW_270M))
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['another model', { model_type: 'llama' }, /model_type is "llama"; medtune reads "gemma3_text"/],
    ['no model type', { model_type: undefined }, /model_type is undefined/],
    ['capped scores', { attn_logit_softcapping: 50 }, /attn_logit_softcapping is 50/],
    ['capped logits', { final_logit_softcapping: 30 }, /final_logit_softcapping is 30/],
    ['an embedding model', { use_bidirectional_attention: true }, /use_bidirectional_attention is true/],
    [
      'quantised weights',
      { quantization_config: { bits: 4 } },
      /quantization_config is .*bfloat16 or float32/,
    ],
    ['biases', { attention_bias: true }, /attention_bias is true/],
    ['attention dropout', { attention_dropout: 0.1 }, /attention_dropout is 0.1/],
    ['another activation', { hidden_activation: 'silu' }, /hidden_activation is "silu"/],
    ['no width', { hidden_size: undefined }, /hidden_size is missing/],
    ['a width of nothing', { hidden_size: 0 }, /hidden_size is not a whole number from 1 up \(found 0\)/],
    ['half a layer', { num_hidden_layers: 1.5 }, /num_hidden_layers is not a whole number .*1\.5/],
    ['a width as text', { hidden_size: '640' }, /hidden_size .*"640"/],
    ['a billion layers', { num_hidden_layers: 1e9 }, /num_hidden_layers is more/],
    [
      'heads that do not divide',
      { num_attention_heads: 4, num_key_value_heads: 3 },
      /num_key_value_heads does not divide num_attention_heads \(4\) \(found 3\)/,
    ],
    ['an odd head', { head_dim: 7 }, /head_dim is odd/],
    [
      'too few layer types',
      { layer_types: ['full_attention'] },
      /layer_types has 1 entries, but num_hidden_layers is 2/,
    ],
    ['an unknown layer type', { layer_types: ['full_attention', 'mamba'] }, /layer 1 is neither .*"mamba"/],
    ['layer types as text', { layer_types: 'full_attention' }, /layer_types is not a list/],
    [
      'another scaling',
      { rope_scaling: { rope_type: 'yarn', factor: 4 } },
      /"default" and "linear" scaling \(found "yarn"\)/,
    ],
    [
      'a scaling without a factor',
      { rope_scaling: { rope_type: 'linear' } },
      /factor is not a positive number/,
    ],
    ['flat rope parameters', { rope_parameters: { rope_theta: 1e6 } }, /neither a "full_attention" nor/],
    ['a negative base', { rope_theta: -1 }, /rope_theta is not a positive number \(found -1\)/],
    ['a zero eps', { rms_norm_eps: 0 }, /rms_norm_eps/],
  ])('refuses %s', (_, change, pattern) => {
    const action = (): unknown => parse({ ...TINY_CONFIG, ...change })
    expect(action).toThrow(InputError)
    expect(action).toThrow(pattern)
    expect(action).toThrow(/^config\.json: /)
  })
})
