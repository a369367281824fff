/** @file Every weight trains: each becomes a parameter that starts at its value in the file. */
import { parameter, type Value, weight } from '../compute/index.ts'
import type { Attachment, WeightSlice } from '../plugin/contract.ts'

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

/** Nothing trains: the model as it is. */
export const frozen: Attachment = { weight, linear: ({ output }) => output }
