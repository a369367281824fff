/** @file The third program of a run, of the same model: new tokens behind a cache in, logits and what to keep out. */

import { LAST, LOGITS, pastInputs, presentName } from '../compute/generation/index.ts'
import { input, linear, type Program, program, takeRows } from '../compute/index.ts'
import { batchInputs } from '../nn/index.ts'
import type { Attachment, Model } from '../plugin/contract.ts'

/**
 * Inputs: ids, position, segment, branch i32 [rows, length]; the places and the keys and values of the past; last
 * i32 [labels]; gain f32 []. Outputs: logits [labels, V] of the tokens at `last`, and keys and values of the batch.
 */
export function buildGenerator(model: Model, attachment: Attachment): Program {
  const batch = { ...batchInputs(), past: pastInputs(model.kept) }
  const { hidden, head, presents } = model.build(batch, attachment)
  if (presents?.length !== model.kept.length) throw new Error('this model keeps nothing of earlier tokens')
  const logits = linear(takeRows(hidden, input(LAST, 'i32', ['labels'])), head)
  const kept = presents.flatMap(({ k, v }, layer) => [
    [presentName('k', layer), k] as const,
    [presentName('v', layer), v] as const,
  ])
  const outputs = { [LOGITS]: logits, ...Object.fromEntries(kept) }
  return program({ name: 'generate', outputs, narrow: true })
}
