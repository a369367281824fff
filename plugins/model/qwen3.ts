/** @file Qwen 3 dense text models: 0.6B, 1.7B, 4B and larger. */
import { MODEL_OPTIONS, modelSource } from 'medtune/data'
import type { ConfigReader, DecoderConfig } from 'medtune/nn'
import { definePlugin } from 'medtune/plugin'

export default definePlugin({
  kind: 'model',
  name: 'qwen3',
  summary: 'A dense Qwen 3 text model: safetensors weights, config.json and tokenizer.json.',
  options: MODEL_OPTIONS,
  create: (options, context) =>
    modelSource(options, context, async (folder) => (await import('medtune/nn')).openDecoder(folder, read)),
})

/** As Llama, with queries and keys normed a head at a time; what config.json leaves out has the family's defaults. */
function read(config: ConfigReader): DecoderConfig {
  config.require('model_type', 'qwen3')
  config.require('hidden_act', 'silu', 'silu')
  config.refuse({
    attention_bias: 'biases in the attention projections',
    attention_dropout: 'dropout on attention scores',
    quantization_config: 'quantised weights; get the model in bfloat16 or float32',
  })
  const heads = config.heads({ heads: 32, kvHeads: 32, headDim: 128 })
  const rope = config.rope(10_000, ['default', 'linear'])
  return {
    vocabSize: config.size('vocab_size', 151_936),
    hiddenSize: config.size('hidden_size'),
    intermediateSize: config.size('intermediate_size'),
    ...heads,
    maxLength: config.size('max_position_embeddings', 32_768),
    normEps: config.positive('rms_norm_eps', 1e-6),
    normOffset: 0,
    norms: 'before',
    queryKeyNorm: true,
    activation: 'silu',
    embeddingScale: 1,
    scoreScale: heads.headDim ** -0.5,
    layers: layers(config),
    window: config.size('sliding_window', 4096),
    rope: { full: rope, sliding: rope },
    tied: config.json.tie_word_embeddings === true,
  }
}

/** Sliding layers, where they are switched on, begin after the first `max_window_layers`. */
function layers(config: ConfigReader): DecoderConfig['layers'] {
  const sliding = config.json.use_sliding_window === true
  const from = sliding ? config.size('max_window_layers', 28) : 0
  return config.layers((layer) => (sliding && layer >= from ? 'sliding' : 'full'))
}
