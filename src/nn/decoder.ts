/** @file A decoder-only transformer of any family: a folder on disk becomes a model that can build its graph. */
import { join } from 'node:path'
import { embed } from '../compute/index.ts'
import type { Attachment, BatchValues, Built, KeyValues, Model, ModelCost } from '../plugin/contract.ts'
import { openCheckpoint } from './checkpoint.ts'
import { ConfigReader, readConfigJson } from './config-reader.ts'
import type { DecoderConfig } from './decoder-config.ts'
import { projections } from './layout.ts'
import { norm } from './norm.ts'
import { transformerLayer } from './transformer.ts'
import { bindWeights, type DecoderWeights } from './weights.ts'

/** A family: what its config.json means. It refuses, with an InputError, whatever would change the mathematics and is not built. */
export type ReadDecoder = (config: ConfigReader) => DecoderConfig

/**
 * Opens a model folder: config.json understood, every tensor found and its shape compared. No weight is
 * read; the slices say where an executor finds them.
 * @throws InputError
 */
export async function openDecoder(folder: string, read: ReadDecoder): Promise<Model> {
  const json = readConfigJson(folder)
  const config = read(new ConfigReader(json, join(folder, 'config.json')))
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
    kept: config.layers.map(() => ({ heads: config.kvHeads, headDim: config.headDim })),
    build: (batch: BatchValues, attachment: Attachment) => build(config, weights, batch, attachment),
  })
}

function build(
  config: DecoderConfig,
  weights: DecoderWeights,
  batch: BatchValues,
  attachment: Attachment,
): Built {
  const building = { attachment, gain: batch.gain }
  const table = attachment.weight(weights.embedding)
  // The head uses the table without the scale.
  const boundaries = [embed(batch.ids, table, config.embeddingScale)]
  const presents: KeyValues[] = []
  for (const [index, layer] of weights.layers.entries()) {
    const past = batch.past?.layers[index]
    const { output, present } = transformerLayer(boundaries.at(-1)!, layer, batch, building, past)
    boundaries.push(output)
    if (present) presents.push(present)
  }
  const hidden = norm(boundaries.at(-1)!, weights.finalNorm, building)
  const head = config.tied ? table : attachment.weight(weights.head)
  return { hidden, head, boundaries, presents }
}

/** Attention scores are left out: they grow with a row's length, not with its tokens. */
function cost({ hiddenSize, vocabSize }: DecoderConfig, { layers }: DecoderWeights): ModelCost {
  const body = layers
    .flatMap(projections)
    .reduce((total, { inFeatures, outFeatures }) => total + inFeatures * outFeatures, 0)
  return { body, head: vocabSize * hiddenSize }
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
