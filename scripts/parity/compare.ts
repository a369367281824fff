/** @file Compares a run of medtune with the log of the reference, step by step. */
import { readFileSync } from 'node:fs'
import { readSafetensors, readTensor } from '../../src/nn/index.ts'
import { type Document, documentsOf } from './documents.ts'
import type { Trained } from './train.ts'

/** A line of steps.jsonl (test/reference/parity_train.py). */
export interface ReferenceStep {
  readonly step: number
  readonly loss: number
  readonly grad_norm: number
  readonly lr: number
  readonly seconds: number
  /** Of each micro-batch its documents, as (ids, labels). */
  readonly batches: readonly (readonly (readonly [readonly number[], readonly number[]])[])[]
}

export interface StepComparison {
  readonly step: number
  readonly loss: readonly [reference: number, medtune: number]
  readonly grad_norm: readonly [reference: number, medtune: number]
  readonly lr: readonly [reference: number, medtune: number]
  readonly seconds: readonly [reference: number, medtune: number]
  /** Documents of each micro-batch. */
  readonly documents: readonly number[]
  /** Whether they are the reference's, in its order, with its labels. */
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
    const batches = trained.batches
      .filter((_, b) => trained.stepOf[b] === ours.step)
      .map((batch) => documentsOf(batch).flat())
    const wanted = theirs.batches.map((batch) => batch.map(([ids, labels]): Document => ({ ids, labels })))
    return {
      step: theirs.step,
      loss: [theirs.loss, ours.loss],
      grad_norm: [theirs.grad_norm, ours.grad_norm],
      lr: [theirs.lr, ours.lr],
      seconds: [theirs.seconds, ours.seconds],
      documents: batches.map((batch) => batch.length),
      batches_equal: JSON.stringify(batches) === JSON.stringify(wanted),
    }
  })
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

/** Norm of the difference over the norm of what is wanted. */
export function relative(found: Float32Array, wanted: Float32Array): number {
  if (found.length !== wanted.length) throw new Error(`${found.length} values, where ${wanted.length} belong`)
  let [difference, size] = [0, 0]
  for (let i = 0; i < found.length; i++) {
    difference += (found[i]! - wanted[i]!) ** 2
    size += wanted[i]! ** 2
  }
  return Math.sqrt(difference / size)
}

/** Values of a file of float32. */
export function readFloats(file: string): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(file)).buffer)
}
