/**
 * @file The two programs of a run, of the same forward graph: `train` (loss, log-probabilities and the
 * gradient of every parameter) and `score` (log-probabilities only, no backward).
 */
import {
  grad,
  headLoss,
  input,
  type ParameterSpec,
  type Program,
  parametersOf,
  program,
  takeRows,
  type Value,
} from '../compute/index.ts'
import type { AdapterPlan, Attachment, Feeds, Model } from '../plugin/contract.ts'

export interface Programs {
  /** Outputs loss [] = sum of labelWeight * -log p, and logProb [labels]. */
  readonly train: Program
  /** Output logProb [labels]. */
  readonly score: Program
}

/**
 * Inputs of both: ids, position, segment, branch i32 [rows, length]; labelSlot, labelId i32 [labels];
 * labelWeight f32 [labels]; gain f32 [] (0 for the base model, 1 for the adapted one).
 */
export function buildPrograms(model: Model, plan: AdapterPlan): Programs {
  const { loss, logProb } = forward(model, plan.training?.attachment ?? plan.attachment)
  const parameters = parametersOf([loss]).filter(
    ({ node }) => (node.attrs.spec as ParameterSpec).frozen !== true,
  )
  const gradients = grad(loss, parameters)
  const known = parameters.flatMap((value, i) => (gradients[i] ? [[value, gradients[i]] as const] : []))
  // Dropout belongs to training alone: scores then come from a graph of their own.
  const scored = plan.training ? forward(model, plan.attachment).logProb : logProb
  return {
    train: program({ name: 'train', outputs: { loss, logProb }, gradients: new Map(known) }),
    score: program({ name: 'score', outputs: { logProb: scored } }),
  }
}

function forward(model: Model, attachment: Attachment): { readonly loss: Value; readonly logProb: Value } {
  const grid = (name: string) => input(name, 'i32', ['rows', 'length'])
  const batch = {
    ids: grid('ids'),
    position: grid('position'),
    segment: grid('segment'),
    branch: grid('branch'),
    gain: input('gain', 'f32', []),
  }
  const { hidden, head } = model.build(batch, attachment)
  const labelled = takeRows(hidden, input('labelSlot', 'i32', ['labels']))
  const labelId = input('labelId', 'i32', ['labels'])
  return headLoss(labelled, head, labelId, input('labelWeight', 'f32', ['labels']))
}

/** Only what the program asks for: a model may do without, say, `branch`. */
export function feedsFor(program: Program, feeds: Feeds): Feeds {
  const wanted = new Set(program.inputs.map(({ name }) => name))
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name)))
}
