/** @file Lays documents out as the arrays that a step program takes. */
import type { Encoded } from '../plugin/contract.ts'

/** Row lengths and label counts are multiples of this, so that a run meets few different shapes. */
const MULTIPLE = 128

/** One micro-batch. Arrays of tokens are [rows * length]; arrays of labels are [labels]. */
export interface Batch {
  readonly rows: number
  /** Tokens a row, padding included: a multiple of 128. */
  readonly length: number
  /** Token ids; 0 on padding. */
  readonly ids: Int32Array
  /** Position in its document; 0 on padding. */
  readonly position: Int32Array
  /** Which document of its row a token belongs to; -1 on padding. Attention stays inside a segment. */
  readonly segment: Int32Array
  /** Alternative continuation of a document; 0 in training. */
  readonly branch: Int32Array
  /** Labels, padding included: a multiple of 128, at least 128. */
  readonly labels: number
  /** row * length + t of the token whose hidden state predicts the label; 0 on padding. */
  readonly labelSlot: Int32Array
  /** The token to predict, which stands at t + 1 of the same document; 0 on padding. */
  readonly labelId: Int32Array
  /** Weight of the label in the loss; 0 on padding. */
  readonly labelWeight: Float32Array
  /** Tokens without padding. */
  readonly tokens: number
  /** Labels without padding. */
  readonly labelTokens: number
}

/**
 * Each row packs one or more documents, which do not see each other. `labelWeight` is the weight of every label:
 * 1/N, with N the labels of the whole accumulation window.
 */
export function collate(rows: readonly (readonly Encoded[])[], labelWeight: number): Batch {
  const documents = rows.flat()
  const length = padded(Math.max(0, ...rows.map((row) => sum(row.map((document) => document.ids.length)))))
  const labelTokens = sum(documents.map(labelCount))
  const labels = padded(labelTokens)
  const batch: Batch = {
    rows: rows.length,
    length,
    ids: new Int32Array(rows.length * length),
    position: new Int32Array(rows.length * length),
    segment: new Int32Array(rows.length * length).fill(-1),
    branch: new Int32Array(rows.length * length),
    labels,
    labelSlot: new Int32Array(labels),
    labelId: new Int32Array(labels),
    labelWeight: new Float32Array(labels).fill(labelWeight, 0, labelTokens),
    tokens: sum(documents.map((document) => document.ids.length)),
    labelTokens,
  }
  let label = 0
  rows.forEach((row, r) => {
    let slot = r * length
    row.forEach((document, segment) => {
      label = place(batch, document, slot, segment, label)
      slot += document.ids.length
    })
  })
  return batch
}

/** Writes one document from `slot` on and its labels from `label` on; returns the next free label. */
function place(batch: Batch, { ids, mask }: Encoded, slot: number, segment: number, label: number): number {
  batch.ids.set(ids, slot)
  batch.segment.fill(segment, slot, slot + ids.length)
  for (let t = 0; t < ids.length; t++) batch.position[slot + t] = t
  for (let t = 1; t < ids.length; t++) {
    if (mask[t] !== 1) continue
    batch.labelSlot[label] = slot + t - 1
    batch.labelId[label] = ids[t]!
    label++
  }
  return label
}

/** Tokens of a document that the loss is taken over. Its first token has nothing before it that could predict it. */
export function labelCount({ mask }: Encoded): number {
  let count = 0
  for (let t = 1; t < mask.length; t++) count += mask[t]!
  return count
}

function padded(size: number): number {
  return Math.max(1, Math.ceil(size / MULTIPLE)) * MULTIPLE
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
