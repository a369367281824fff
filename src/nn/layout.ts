/** @file Which tensors a decoder has, by their names in the file, and where each belongs in the model. */
import type { WeightSlice } from '../plugin/contract.ts'
import type { DecoderConfig } from './decoder-config.ts'
import type { Projection } from './linear.ts'
import type { Norm } from './norm.ts'
import { ropeFrequencies } from './rope.ts'
import type { Layer } from './transformer.ts'

export interface DecoderLayout {
  readonly embedding: WeightSlice
  readonly layers: readonly Layer[]
  readonly finalNorm: Norm
  /** The embedding itself in a tied model. */
  readonly head: WeightSlice
}

/** Finds a tensor by name and makes sure of its shape. */
export type TakeWeight = (name: string, shape: readonly number[]) => WeightSlice

/** Asks for each tensor of the model exactly once, in module order. */
export function layOut(config: DecoderConfig, take: TakeWeight): DecoderLayout {
  const embedding = take('model.embed_tokens.weight', [config.vocabSize, config.hiddenSize])
  const layers = config.layers.map((_, index) => layOutLayer(config, index, take))
  const finalNorm = normOf(config, take('model.norm.weight', [config.hiddenSize]))
  const head = config.tied ? embedding : take('lm_head.weight', [config.vocabSize, config.hiddenSize])
  return { embedding, layers, finalNorm, head }
}

function layOutLayer(config: DecoderConfig, index: number, take: TakeWeight): Layer {
  const { hiddenSize: hidden, intermediateSize: inner, heads, kvHeads, headDim } = config
  const module = `model.layers.${index}`
  const kind = config.layers[index]!
  const norm = (name: string, size = hidden): Norm => normOf(config, take(`${module}.${name}.weight`, [size]))
  const projection = (part: string, inFeatures: number, outFeatures: number): Projection => {
    const name = `${module}.${part}`
    return { name, inFeatures, outFeatures, weight: take(`${name}.weight`, [outFeatures, inFeatures]) }
  }
  const inputNorm = norm('input_layernorm')
  const attention = {
    q: projection('self_attn.q_proj', hidden, heads * headDim),
    k: projection('self_attn.k_proj', hidden, kvHeads * headDim),
    v: projection('self_attn.v_proj', hidden, kvHeads * headDim),
    o: projection('self_attn.o_proj', heads * headDim, hidden),
    ...(config.queryKeyNorm && {
      qNorm: norm('self_attn.q_norm', headDim),
      kNorm: norm('self_attn.k_norm', headDim),
    }),
    heads,
    kvHeads,
    headDim,
    scoreScale: config.scoreScale,
    window: kind === 'full' ? 0 : config.window,
    frequencies: ropeFrequencies(config.rope[kind], headDim),
  }
  const norms = layOutNorms(config, norm)
  const mlp = {
    gate: projection('mlp.gate_proj', hidden, inner),
    up: projection('mlp.up_proj', hidden, inner),
    down: projection('mlp.down_proj', inner, hidden),
    activation: config.activation,
  }
  return { inputNorm, attention, mlp, ...norms }
}

/** `post_attention_layernorm` is two things: the norm behind attention where there are four, else the one before the feed-forward part. */
function layOutNorms(
  config: DecoderConfig,
  norm: (name: string) => Norm,
): Omit<Layer, 'inputNorm' | 'attention' | 'mlp'> {
  if (config.norms === 'before') return { preFeedforwardNorm: norm('post_attention_layernorm') }
  return {
    postAttentionNorm: norm('post_attention_layernorm'),
    preFeedforwardNorm: norm('pre_feedforward_layernorm'),
    postFeedforwardNorm: norm('post_feedforward_layernorm'),
  }
}

function normOf({ normEps: eps, normOffset: offset }: DecoderConfig, weight: WeightSlice): Norm {
  return { weight, eps, offset }
}

/** The seven projections of a layer, in the order that PEFT meets them. */
export function projections({ attention, mlp }: Layer): readonly Projection[] {
  return [attention.q, attention.k, attention.v, attention.o, mlp.gate, mlp.up, mlp.down]
}
