/** @file Compares a run of medtune with the log of the reference, step by step. */
import { readFileSync } from 'node:fs'
import { readSafetensors, readTensor } from '../../src/nn/index.ts'
import { type Document, documentsOf } from './documents.ts'
import type { Trained } from './train.ts'

/** A line of steps.jsonl. Rows are padded to the longest of their batch: ids with 0, labels with -100. */
export interface ReferenceStep {
  readonly step: number
  readonly loss: number
  readonly grad_norm: number
  readonly learning_rate: number
  readonly seconds: number
  readonly tokens: number
  readonly batches: readonly {
    readonly input_ids: readonly (readonly number[])[]
    readonly labels: readonly (readonly number[])[]
  }[]
}

export interface StepComparison {
  readonly step: number
  readonly loss: readonly [reference: number, medtune: number]
  readonly grad_norm: readonly [reference: number, medtune: number]
  readonly lr: readonly [reference: number, medtune: number]
  readonly seconds: readonly [reference: number, medtune: number]
  readonly batches_equal: boolean
}

export const readLines = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)

/** @throws Error where the two have different numbers of steps */
export function compareSteps(reference: readonly ReferenceStep[], trained: Trained): StepComparison[] {
  if (reference.length !== trained.steps.length) {
    throw new Error(`the reference made ${reference.length} steps, medtune ${trained.steps.length}`)
  }
  return reference.map((theirs, i) => {
    const ours = trained.steps[i]!
    const batches = trained.batches.filter((_, b) => trained.stepOf[b] === ours.step)
    return {
      step: theirs.step,
      loss: [theirs.loss, ours.loss],
      grad_norm: [theirs.grad_norm, ours.grad_norm],
      lr: [theirs.learning_rate, ours.lr],
      seconds: [theirs.seconds, ours.seconds],
      batches_equal:
        batches.length === theirs.batches.length &&
        batches.every((batch, b) => sameBatch(theirs.batches[b]!, documentsOf(batch))),
    }
  })
}

/** The reference lays packed rows end to end in one. */
function sameBatch(batch: ReferenceStep['batches'][number], rows: readonly Document[][]): boolean {
  const packed = batch.input_ids.length === 1
  const ours = packed ? [joined(rows.flat())] : rows.map(joined)
  return ours.length === batch.input_ids.length && ours.every((row, r) => sameRow(batch, r, row))
}

function sameRow(batch: ReferenceStep['batches'][number], r: number, row: Document): boolean {
  const ids = batch.input_ids[r]!
  return (
    ids.every((id, t) => id === (row.ids[t] ?? 0)) &&
    batch.labels[r]!.every((label, t) => label === (row.labels[t] ?? -100)) &&
    row.ids.length <= ids.length
  )
}

function joined(documents: readonly Document[]): Document {
  return { ids: documents.flatMap(({ ids }) => ids), labels: documents.flatMap(({ labels }) => labels) }
}

/** Norm of the difference of the trained adapters over the norm of what training changed. */
export async function adapterDifference(before: string, after: string, trained: Trained): Promise<number> {
  const [first, last] = [readSafetensors(before).tensors, readSafetensors(after).tensors]
  let difference = 0
  let change = 0
  for (const [name, ours] of trained.adapter) {
    const [start, theirs] = [await readTensor(first.get(name)!), await readTensor(last.get(name)!)]
    for (let i = 0; i < ours.length; i++) {
      difference += (ours[i]! - theirs[i]!) ** 2
      change += (theirs[i]! - start[i]!) ** 2
    }
  }
  return Math.sqrt(difference / change)
}
