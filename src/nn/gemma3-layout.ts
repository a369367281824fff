/** @file Which tensors a Gemma 3 has, by their names in the file, and where each belongs in the model. */
import type { WeightSlice } from '../plugin/contract.ts'
import type { Gemma3Config } from './gemma3-config.ts'
import type { Projection } from './linear.ts'
import type { Layer } from './transformer.ts'

export interface Gemma3Layout {
  readonly embedding: WeightSlice
  readonly layers: readonly Layer[]
  readonly finalNorm: WeightSlice
  /** The embedding itself in a tied model. */
  readonly head: WeightSlice
}

/** Finds a tensor by name and makes sure of its shape. */
export type TakeWeight = (name: string, shape: readonly number[]) => WeightSlice

/** Asks for each tensor of the model exactly once, in module order. */
export function layOut(config: Gemma3Config, take: TakeWeight): Gemma3Layout {
  const embedding = take('model.embed_tokens.weight', [config.vocabSize, config.hiddenSize])
  const layers = config.layers.map((_, index) => layOutLayer(config, index, take))
  const finalNorm = take('model.norm.weight', [config.hiddenSize])
  const head = config.tied ? embedding : take('lm_head.weight', [config.vocabSize, config.hiddenSize])
  return { embedding, layers, finalNorm, head }
}

function layOutLayer(config: Gemma3Config, index: number, take: TakeWeight): Layer {
  const { hiddenSize: hidden, intermediateSize: inner, heads, kvHeads, headDim, normEps, scoreScale } = config
  const module = `model.layers.${index}`
  const kind = config.layers[index]!
  const rope = config.rope[kind]
  const gain = (name: string, size: number): WeightSlice => take(`${module}.${name}.weight`, [size])
  const projection = (part: string, inFeatures: number, outFeatures: number): Projection => {
    const name = `${module}.${part}`
    return { name, inFeatures, outFeatures, weight: take(`${name}.weight`, [outFeatures, inFeatures]) }
  }
  return {
    inputNorm: gain('input_layernorm', hidden),
    attention: {
      q: projection('self_attn.q_proj', hidden, heads * headDim),
      k: projection('self_attn.k_proj', hidden, kvHeads * headDim),
      v: projection('self_attn.v_proj', hidden, kvHeads * headDim),
      o: projection('self_attn.o_proj', heads * headDim, hidden),
      qNorm: gain('self_attn.q_norm', headDim),
      kNorm: gain('self_attn.k_norm', headDim),
      heads,
      kvHeads,
      headDim,
      scoreScale,
      window: kind === 'full' ? 0 : config.window,
      theta: rope.theta,
      ropeFactor: rope.factor,
      normEps,
    },
    postAttentionNorm: gain('post_attention_layernorm', hidden),
    preFeedforwardNorm: gain('pre_feedforward_layernorm', hidden),
    mlp: {
      gate: projection('mlp.gate_proj', hidden, inner),
      up: projection('mlp.up_proj', hidden, inner),
      down: projection('mlp.down_proj', inner, hidden),
    },
    postFeedforwardNorm: gain('post_feedforward_layernorm', hidden),
    normEps,
  }
}

/** The seven projections of a layer, in the order that PEFT meets them. */
export function projections({ attention, mlp }: Layer): readonly Projection[] {
  return [attention.q, attention.k, attention.v, attention.o, mlp.gate, mlp.up, mlp.down]
}
