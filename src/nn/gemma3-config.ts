/**
 * @file config.json of the Gemma 3 text family, in its old and new spellings. What is read here decides
 * what is computed, so anything that would change the mathematics and is not built is refused.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from '../util/errors.ts'

/** Rotary embedding of one kind of layer: positions are divided by `factor`. */
export interface Rope {
  readonly theta: number
  readonly factor: number
}

export interface Gemma3Config {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly normEps: number
  readonly maxLength: number
  /** Keys that a sliding layer sees, the query's own included. */
  readonly window: number
  /** Factor on query . key. */
  readonly scoreScale: number
  /** The attention of each layer, from the first. */
  readonly layers: readonly ('full' | 'sliding')[]
  readonly rope: { readonly full: Rope; readonly sliding: Rope }
  /** The head is the embedding. */
  readonly tied: boolean
}

type Json = Readonly<Record<string, unknown>>

/** Reads config.json as it is. @throws InputError */
export function readConfigJson(folder: string): Json {
  const file = join(folder, 'config.json')
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new InputError(
      missing ? `${file}: no such file` : `${file}: not JSON (${(error as Error).message})`,
    )
  }
  if (!isObject(json)) throw new InputError(`${file}: not a JSON object`)
  return json
}

/**
 * Understands what config.json says; keys that it leaves out have the defaults of the family, and
 * unknown keys are let be. `file` is named in errors.
 * @throws InputError for a value that is not possible, and for every variant that is not built
 */
export function parseGemma3Config(json: Json, file: string): Gemma3Config {
  const text = textConfig(json, file)
  refuseVariants(text, file)
  const read = new Reader(text, file)
  const layers = layerTypes(read)
  const config: Gemma3Config = {
    vocabSize: read.size('vocab_size', 262_208),
    hiddenSize: read.size('hidden_size'),
    intermediateSize: read.size('intermediate_size'),
    heads: read.size('num_attention_heads', 8),
    kvHeads: read.size('num_key_value_heads', 4),
    headDim: read.size('head_dim', 256),
    normEps: read.positive('rms_norm_eps', 1e-6),
    maxLength: read.size('max_position_embeddings', 131_072),
    window: read.size('sliding_window', 4096),
    scoreScale: read.positive('query_pre_attn_scalar', 256) ** -0.5,
    layers,
    rope: ropes(read),
    tied: text.tie_word_embeddings !== false,
  }
  if (config.heads % config.kvHeads !== 0) {
    read.fail('num_key_value_heads', `does not divide num_attention_heads (${config.heads})`)
  }
  if (config.headDim % 2 !== 0) read.fail('head_dim', 'is odd; rotary positions need pairs')
  return config
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
function refuseVariants(text: Json, file: string): void {
  const off = (value: unknown): boolean =>
    value === undefined || value === null || value === false || value === 0
  for (const [key, what] of [
    ['attn_logit_softcapping', 'soft-capped attention scores'],
    ['final_logit_softcapping', 'soft-capped logits'],
    ['use_bidirectional_attention', 'attention to later tokens (an embedding model)'],
    ['quantization_config', 'quantised weights; get the model in bfloat16 or float32'],
    ['attention_bias', 'biases in the attention projections'],
    ['attention_dropout', 'dropout on attention scores'],
  ] as const) {
    if (!off(text[key])) {
      throw new InputError(
        `${file}: ${key} is ${JSON.stringify(text[key])}; medtune does not support ${what}`,
      )
    }
  }
  const activation = text.hidden_activation ?? 'gelu_pytorch_tanh'
  if (activation !== 'gelu_pytorch_tanh') {
    throw new InputError(
      `${file}: hidden_activation is ${JSON.stringify(activation)}; medtune supports "gelu_pytorch_tanh" only`,
    )
  }
}

function layerTypes(read: Reader): ('full' | 'sliding')[] {
  const count = read.size('num_hidden_layers')
  if (count > 1000) read.fail('num_hidden_layers', 'is more than any model has')
  const listed = read.json.layer_types
  if (listed === undefined || listed === null) {
    const pattern = read.size('sliding_window_pattern', 6)
    return Array.from({ length: count }, (_, layer) => ((layer + 1) % pattern === 0 ? 'full' : 'sliding'))
  }
  if (!Array.isArray(listed)) return read.fail('layer_types', 'is not a list')
  if (listed.length !== count) {
    read.fail('layer_types', `has ${listed.length} entries, but num_hidden_layers is ${count}`, listed.length)
  }
  return listed.map((type: unknown, layer) => {
    if (type === 'full_attention') return 'full'
    if (type === 'sliding_attention') return 'sliding'
    return read.fail(
      'layer_types',
      `layer ${layer} is neither "full_attention" nor "sliding_attention"`,
      type,
    )
  })
}

/** Old files keep theta in two keys and the scaling in a third, new ones all of it in `rope_parameters`. */
function ropes(read: Reader): Gemma3Config['rope'] {
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
    full: rope(read, full, 'rope_theta', 1e6),
    sliding: rope(read, part('sliding_attention'), 'rope_local_base_freq', 1e4),
  }
}

function rope(read: Reader, parameters: Json, oldKey: string, fallback: number): Rope {
  const type = parameters.rope_type ?? parameters.type ?? 'default'
  if (type !== 'default' && type !== 'linear') {
    read.fail('rope_scaling', 'medtune supports "default" and "linear" scaling', type)
  }
  const theta = parameters.rope_theta ?? read.positive(oldKey, fallback)
  const factor = type === 'linear' ? parameters.factor : 1
  if (!isPositive(theta)) return read.fail('rope_theta', 'is not a positive number', theta)
  if (!isPositive(factor)) return read.fail('rope_scaling', 'its factor is not a positive number', factor)
  return { theta, factor }
}

class Reader {
  readonly json: Json
  readonly file: string
  constructor(json: Json, file: string) {
    this.json = json
    this.file = file
  }

  /** A whole number from 1 up. Without a fallback the key must be there. */
  size(key: string, fallback?: number): number {
    const value = this.json[key] ?? fallback
    if (value === undefined) return this.fail(key, 'is missing')
    if (!Number.isSafeInteger(value) || (value as number) < 1)
      return this.fail(key, 'is not a whole number from 1 up')
    return value as number
  }

  positive(key: string, fallback: number): number {
    const value = this.json[key] ?? fallback
    return isPositive(value) ? value : this.fail(key, 'is not a positive number')
  }

  fail(key: string, problem: string, found: unknown = this.json[key]): never {
    const shown = found === undefined ? '' : ` (found ${JSON.stringify(found)})`
    throw new InputError(`${this.file}: ${key} ${problem}${shown}`)
  }
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
