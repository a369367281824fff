/** @file Every weight trains: each becomes a parameter that starts at its value in the file. */
import { parameter, type Value, weight } from '../compute/index.ts'
import type { Attachment, Model, WeightSlice } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { openCheckpoint } from './checkpoint.ts'

/** A tensor is one value in every graph built, so the two uses of a tied embedding add up in one gradient. */
export function fullAttachment(): Attachment {
  const parameters = new Map<string, Value>()
  return {
    weight({ name, shape, file, offset, dtype }: WeightSlice): Value {
      const known =
        parameters.get(name) ?? parameter({ name, shape, init: { kind: 'weight', file, offset, dtype } })
      parameters.set(name, known)
      return known
    },
    linear: ({ output }) => output,
  }
}

/**
 * Nothing trains, and the weights are those of another folder of the same model: what full training wrote.
 * @throws InputError where a tensor is missing there, or has another shape
 */
export function frozenFrom(folder: string, model: Pick<Model, 'weights'>): Attachment {
  const { file, tensors } = openCheckpoint(folder)
  const found = new Map(
    model.weights.map(({ name, shape }) => {
      const slice = tensors.get(name)
      if (slice && slice.shape.join() === shape.join()) return [name, slice] as const
      const what = slice ? `is [${slice.shape.join(', ')}]` : 'is missing'
      throw new InputError(
        `${file}: ${name} [${shape.join(', ')}] ${what}; this is no tuned copy of the model`,
      )
    }),
  )
  return { weight: ({ name }) => weight(found.get(name)!), linear: ({ output }) => output }
}

/** Nothing trains: the model as it is. */
export const frozen: Attachment = { weight, linear: ({ output }) => output }
