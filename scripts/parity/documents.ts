/** @file Training documents in the form in which the reference logs them. */
import { fileURLToPath } from 'node:url'
import jsonl from '../../plugins/dataset/jsonl.ts'
import gemma from '../../plugins/template/gemma.ts'
import { type Batch, encodeSplit } from '../../src/data/index.ts'
import type { Dataset, Encoded, StageContext, Template } from '../../src/plugin/contract.ts'

export interface Document {
  readonly ids: readonly number[]
  /** Each token where the loss counts, else -100. */
  readonly labels: readonly number[]
}

/** How the reference scripts make a conversation of a row. */
export const TEMPLATE = { user: '{Question}', model: '{Complex_CoT}\n\nFinal Answer: {Response}' } as const

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The documents of a JSON Lines file of questions, in its order, at their full length. */
export async function encodeRows(file: string, tokenizer: string): Promise<readonly Document[]> {
  const context: StageContext = { recipeDir: root, resolvePath: (path) => path, seed: 0, warn: () => {} }
  const split = await encodeSplit({
    dataset: (await jsonl.create({ path: file }, context)) as Dataset,
    split: 'train',
    template: (await gemma.create(TEMPLATE, context)) as Template,
    tokenizer,
    vocabSize: 262_144,
    maxLength: 1_000_000,
    overLength: 'error',
    shuffle: false,
    seed: 0,
  })
  try {
    const documents: Document[] = []
    for (let window = 0; window < split.windows; window++) {
      for (const encoded of await split.window(window)) documents.push(documentOf(encoded))
    }
    return documents
  } finally {
    await split.close()
  }
}

function documentOf({ ids, mask }: Encoded): Document {
  return { ids: [...ids], labels: Array.from(ids, (id, t) => (mask[t] === 1 ? id : -100)) }
}

/** The documents of each row of a batch, as the model sees them. */
export function documentsOf(batch: Batch): Document[][] {
  const labels = new Int32Array(batch.rows * batch.length).fill(-100)
  for (let i = 0; i < batch.labelTokens; i++) labels[batch.labelSlot[i]! + 1] = batch.labelId[i]!
  return Array.from({ length: batch.rows }, (_, row) => {
    const found: { ids: number[]; labels: number[] }[] = []
    for (let at = row * batch.length; at < (row + 1) * batch.length; at++) {
      if (batch.segment[at]! < 0) continue
      if (batch.position[at] === 0) found.push({ ids: [], labels: [] })
      found.at(-1)!.ids.push(batch.ids[at]!)
      found.at(-1)!.labels.push(labels[at]!)
    }
    return found
  })
}
