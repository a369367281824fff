/** @file Gemma 3 (text): a folder on disk becomes a model that can build its graph. */
import { join } from 'node:path'
import { embed, type Value } from '../compute/index.ts'
import type { Attachment, BatchValues, Model, ModelCost } from '../plugin/contract.ts'
import { openCheckpoint } from './checkpoint.ts'
import { type Gemma3Config, parseGemma3Config, readConfigJson } from './gemma3-config.ts'
import { projections } from './gemma3-layout.ts'
import { bindWeights, type Gemma3Weights } from './gemma3-weights.ts'
import { norm } from './norm.ts'
import { transformerLayer } from './transformer.ts'

/**
 * Opens a model folder: config.json understood, every tensor found and its shape compared. No weight is
 * read; the slices say where an executor finds them.
 * @throws InputError
 */
export async function gemma3(folder: string): Promise<Model> {
  const json = readConfigJson(folder)
  const config = parseGemma3Config(json, join(folder, 'config.json'))
  const weights = bindWeights(config, openCheckpoint(folder))
  return Object.freeze({
    folder,
    config: json,
    vocabSize: config.vocabSize,
    maxLength: config.maxLength,
    parameters: weights.all.reduce((total, { shape }) => total + count(shape), 0),
    sites: weights.layers.flatMap((layer) =>
      projections(layer).map(({ name, inFeatures, outFeatures }) => ({ name, inFeatures, outFeatures })),
    ),
    weights: weights.all,
    cost: cost(config, weights),
    build: (batch: BatchValues, attachment: Attachment) => build(config, weights, batch, attachment),
  })
}

function build(
  config: Gemma3Config,
  weights: Gemma3Weights,
  batch: BatchValues,
  attachment: Attachment,
): { readonly hidden: Value; readonly head: Value } {
  const building = { attachment, gain: batch.gain }
  const table = attachment.weight(weights.embedding)
  // The scale stays fp32 whatever the weights are stored in, and the head uses the table without it.
  let x = embed(batch.ids, table, Math.fround(Math.sqrt(config.hiddenSize)))
  for (const layer of weights.layers) x = transformerLayer(x, layer, batch, building)
  const hidden = norm(x, weights.finalNorm, config.normEps, building)
  const head = config.tied ? table : attachment.weight(weights.head)
  return { hidden, head }
}

/** Attention scores are left out: they grow with a row's length, not with its tokens. */
function cost(config: Gemma3Config, { layers }: Gemma3Weights): ModelCost {
  const { hiddenSize: hidden, intermediateSize: inner, heads, kvHeads, headDim } = config
  const body = layers
    .flatMap(projections)
    .reduce((total, { inFeatures, outFeatures }) => total + inFeatures * outFeatures, 0)
  // What a backward pass reads again: inputs of norms and projections, q and k before and after their
  // norm, v, the mixed heads, and gate, up and their product.
  const perLayer = 6 * hidden + (3 * heads + 3 * kvHeads) * headDim + 3 * inner
  return { body, head: config.vocabSize * hidden, activations: 4 * layers.length * perLayer }
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
