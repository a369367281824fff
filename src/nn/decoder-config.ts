/** @file What distinguishes one decoder-only transformer from another; a family reads it from config.json. */
import type { Rope } from './rope.ts'

export interface DecoderConfig {
  readonly vocabSize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly maxLength: number
  readonly normEps: number
  /** Added to the stored weight of every norm: 1 where files hold the difference from one, as Gemma's do. */
  readonly normOffset: 0 | 1
  /**
   * `before`: a norm before attention and one before the feed-forward part. `around`: one more on the result
   * of each, before it is added.
   */
  readonly norms: 'before' | 'around'
  /** Queries and keys are normed, a head at a time, before they turn. */
  readonly queryKeyNorm: boolean
  /** What the gate of the feed-forward part goes through. */
  readonly activation: 'gelu' | 'silu'
  /** Factor on the embedding of each token. */
  readonly embeddingScale: number
  /** Factor on query . key. */
  readonly scoreScale: number
  /** The attention of each layer, from the first. */
  readonly layers: readonly ('full' | 'sliding')[]
  /** Keys that a sliding layer sees, the query's own included. */
  readonly window: number
  readonly rope: { readonly full: Rope; readonly sliding: Rope }
  /** The head is the embedding. */
  readonly tied: boolean
}
