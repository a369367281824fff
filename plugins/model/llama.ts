/** @file Llama and the many models of its shape: Llama 3.2, SmolLM2, TinyLlama. */
import { MODEL_OPTIONS, modelSource } from 'medtune/data'
import type { ConfigReader, DecoderConfig } from 'medtune/nn'
import { definePlugin } from 'medtune/plugin'

export default definePlugin({
  kind: 'model',
  name: 'llama',
  summary: 'A Llama model (Llama 3.2, SmolLM2, ...): safetensors weights, config.json and tokenizer.json.',
  options: MODEL_OPTIONS,
  create: (options, context) =>
    modelSource(options, context, async (folder) => (await import('medtune/nn')).openDecoder(folder, read)),
})

/** Norms before each part and weights as they are; what config.json leaves out has the family's defaults. */
function read(config: ConfigReader): DecoderConfig {
  config.require('model_type', 'llama')
  config.require('hidden_act', 'silu', 'silu')
  config.refuse({
    attention_bias: 'biases in the attention projections',
    mlp_bias: 'biases in the feed-forward projections',
    attention_dropout: 'dropout on attention scores',
    quantization_config: 'quantised weights; get the model in bfloat16 or float32',
  })
  const heads = config.heads({ heads: 32 })
  const rope = config.rope(10_000, ['default', 'linear', 'llama3'])
  return {
    vocabSize: config.size('vocab_size', 32_000),
    hiddenSize: config.size('hidden_size'),
    intermediateSize: config.size('intermediate_size'),
    ...heads,
    maxLength: config.size('max_position_embeddings', 2048),
    normEps: config.positive('rms_norm_eps', 1e-6),
    normOffset: 0,
    norms: 'before',
    queryKeyNorm: false,
    activation: 'silu',
    embeddingScale: 1,
    scoreScale: heads.headDim ** -0.5,
    layers: config.layers(() => 'full'),
    window: 0,
    rope: { full: rope, sliding: rope },
    tied: config.json.tie_word_embeddings === true,
  }
}
