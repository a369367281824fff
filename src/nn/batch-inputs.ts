/** @file The inputs of a batch that every program of a model has. */
import { input, type Value } from '../compute/index.ts'
import type { BatchValues } from '../plugin/contract.ts'

/** ids, position, segment, branch i32 [rows, length]; gain f32 [], 0 for the base model and 1 for the adapted one. */
export function batchInputs(): BatchValues {
  const grid = (name: string): Value => input(name, 'i32', ['rows', 'length'])
  return {
    ids: grid('ids'),
    position: grid('position'),
    segment: grid('segment'),
    branch: grid('branch'),
    gain: input('gain', 'f32', []),
  }
}
