/**
 * @file The Gemma 3 text family: its config.json, in the old and the new spelling. What is read here decides
 * what is computed, so anything that would change the mathematics and is not built is refused.
 */
import type { Model } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { ConfigReader, isObject, type Json } from './config-reader.ts'
import { openDecoder } from './decoder.ts'
import type { DecoderConfig } from './decoder-config.ts'

/** Opens a folder: see `openDecoder`. @throws InputError */
export function gemma3(folder: string): Promise<Model> {
  return openDecoder(folder, ({ json, file }) => parseGemma3Config(json, file))
}

/**
 * Understands what config.json says; keys that it leaves out have the defaults of the family, and
 * unknown keys are let be. `file` is named in errors.
 * @throws InputError for a value that is not possible, and for every variant that is not built
 */
export function parseGemma3Config(json: Json, file: string): DecoderConfig {
  const read = new ConfigReader(textConfig(json, file), file)
  refuseVariants(read)
  const layers = layerTypes(read)
  const hiddenSize = read.size('hidden_size')
  return {
    vocabSize: read.size('vocab_size', 262_208),
    hiddenSize,
    intermediateSize: read.size('intermediate_size'),
    ...read.heads({ heads: 8, kvHeads: 4, headDim: 256 }),
    maxLength: read.size('max_position_embeddings', 131_072),
    normEps: read.positive('rms_norm_eps', 1e-6),
    normOffset: 1,
    norms: 'around',
    queryKeyNorm: true,
    activation: 'gelu',
    // fp32, whatever the weights are stored in.
    embeddingScale: Math.fround(Math.sqrt(hiddenSize)),
    scoreScale: read.positive('query_pre_attn_scalar', 256) ** -0.5,
    layers,
    window: read.size('sliding_window', 4096),
    rope: ropes(read),
    tied: read.json.tie_word_embeddings !== false,
  }
}

/** The multimodal models of the family keep the text model's configuration in a part of their own. */
function textConfig(json: Json, file: string): Json {
  if (json.model_type === 'gemma3_text') return json
  if (json.model_type === 'gemma3' && isObject(json.text_config)) {
    return {
      tie_word_embeddings: json.tie_word_embeddings,
      ...json.text_config,
      quantization_config: json.quantization_config,
    }
  }
  throw new InputError(
    `${file}: model_type is ${JSON.stringify(json.model_type)}; medtune reads "gemma3_text" (Gemma 3 270M, 1B) and the text part of "gemma3"`,
  )
}

/** Options of the family that change what the model computes and that are not built. */
function refuseVariants(read: ConfigReader): void {
  read.refuse({
    attn_logit_softcapping: 'soft-capped attention scores',
    final_logit_softcapping: 'soft-capped logits',
    use_bidirectional_attention: 'attention to later tokens (an embedding model)',
    quantization_config: 'quantised weights; get the model in bfloat16 or float32',
    attention_bias: 'biases in the attention projections',
    attention_dropout: 'dropout on attention scores',
  })
  read.require('hidden_activation', 'gelu_pytorch_tanh', 'gelu_pytorch_tanh')
}

function layerTypes(read: ConfigReader): DecoderConfig['layers'] {
  const pattern = read.size('sliding_window_pattern', 6)
  return read.layers((layer) => ((layer + 1) % pattern === 0 ? 'full' : 'sliding'))
}

/** Old files keep theta in two keys and the scaling in a third, new ones all of it in `rope_parameters`. */
function ropes(read: ConfigReader): DecoderConfig['rope'] {
  const { rope_parameters: parameters, rope_scaling: scaling } = read.json
  if (
    isObject(parameters) &&
    !isObject(parameters.full_attention) &&
    !isObject(parameters.sliding_attention)
  ) {
    read.fail('rope_parameters', 'has neither a "full_attention" nor a "sliding_attention" part')
  }
  const part = (kind: string): Json => {
    const value = isObject(parameters) ? parameters[kind] : undefined
    return isObject(value) ? value : {}
  }
  // Scaling stretches the full layers only: sliding ones never look further than their window.
  const full = { ...part('full_attention'), ...(isObject(scaling) ? scaling : {}) }
  return {
    full: read.ropePart(full, 'rope_theta', 1e6, ['default', 'linear']),
    sliding: read.ropePart(part('sliding_attention'), 'rope_local_base_freq', 1e4, ['default', 'linear']),
  }
}
