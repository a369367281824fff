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

/** What stands side by side with others in a row and does not see them: a document, or a prompt with its choices. */
export interface Segment {
  /** `ids`, `position` and `branch` have one entry a token. */
  readonly ids: Int32Array
  readonly position: Int32Array
  readonly branch: Int32Array
  /** Token of this segment whose hidden state predicts the label, one entry a label. */
  readonly labelSlot: Int32Array
  readonly labelId: Int32Array
}

/** A document: every token with mask 1 is a label, predicted by the token before it. */
export function documentSegment({ ids, mask }: Encoded): Segment {
  const slots: number[] = []
  for (let t = 0; t + 1 < ids.length; t++) if (mask[t + 1] === 1) slots.push(t)
  return {
    ids,
    position: Int32Array.from(ids, (_, t) => t),
    branch: new Int32Array(ids.length),
    labelSlot: Int32Array.from(slots),
    labelId: Int32Array.from(slots, (t) => ids[t + 1]!),
  }
}

/**
 * Each row packs one or more documents, which do not see each other. `labelWeight` is the weight of every label:
 * 1/N, with N the labels of the whole accumulation window.
 */
export function collate(rows: readonly (readonly Encoded[])[], labelWeight: number): Batch {
  return collateSegments(
    rows.map((row) => row.map(documentSegment)),
    labelWeight,
  )
}

/** Lays out rows of segments; labels come in the order of the rows, then of their segments. `multiple`: of a row's length. */
export function collateSegments(
  rows: readonly (readonly Segment[])[],
  labelWeight: number,
  multiple = MULTIPLE,
): Batch {
  const tokens = rows.map((row) => sum(row.map(({ ids }) => ids.length)))
  const length = padded(Math.max(0, ...tokens), multiple)
  const labelTokens = sum(rows.flat().map(({ labelId }) => labelId.length))
  const labels = padded(labelTokens)
  const grid = (): Int32Array => new Int32Array(rows.length * length)
  const batch: Batch = {
    rows: rows.length,
    length,
    ids: grid(),
    position: grid(),
    segment: grid().fill(-1),
    branch: grid(),
    labels,
    labelSlot: new Int32Array(labels),
    labelId: new Int32Array(labels),
    labelWeight: new Float32Array(labels).fill(labelWeight, 0, labelTokens),
    tokens: sum(tokens),
    labelTokens,
  }
  let label = 0
  rows.forEach((row, r) => {
    let at = r * length
    row.forEach((segment, index) => {
      place(batch, segment, at, index, label)
      at += segment.ids.length
      label += segment.labelId.length
    })
  })
  return batch
}

/** Writes one segment from token `at` on and its labels from `label` on. */
function place(batch: Batch, segment: Segment, at: number, index: number, label: number): void {
  batch.ids.set(segment.ids, at)
  batch.position.set(segment.position, at)
  batch.branch.set(segment.branch, at)
  batch.segment.fill(index, at, at + segment.ids.length)
  batch.labelId.set(segment.labelId, label)
  segment.labelSlot.forEach((slot, i) => {
    batch.labelSlot[label + i] = at + slot
  })
}

/** Tokens of a document that the loss is taken over. Its first token has nothing before it that could predict it. */
export function labelCount({ mask }: Encoded): number {
  let count = 0
  for (let t = 1; t < mask.length; t++) count += mask[t]!
  return count
}

/** The next multiple (of 128 if left out), and at least that. */
export function padded(size: number, multiple = MULTIPLE): number {
  return Math.max(1, Math.ceil(size / multiple)) * multiple
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
