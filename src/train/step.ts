/**
 * @file The two programs of a run, built from one forward graph: `train` (loss, log-probabilities and the
 * gradient of every parameter) and `score` (log-probabilities only, no backward).
 */
import { grad, headLoss, input, type Program, parametersOf, program, takeRows } from '../compute/index.ts'
import type { AdapterPlan, Feeds, Model } from '../plugin/contract.ts'

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
  const grid = (name: string) => input(name, 'i32', ['rows', 'length'])
  const batch = {
    ids: grid('ids'),
    position: grid('position'),
    segment: grid('segment'),
    branch: grid('branch'),
    gain: input('gain', 'f32', []),
  }
  const { hidden, head } = model.build(batch, plan.attachment)
  const labelled = takeRows(hidden, input('labelSlot', 'i32', ['labels']))
  const labelId = input('labelId', 'i32', ['labels'])
  const { loss, logProb } = headLoss(labelled, head, labelId, input('labelWeight', 'f32', ['labels']))
  const parameters = parametersOf([loss])
  const gradients = grad(loss, parameters)
  const known = parameters.flatMap((value, i) => (gradients[i] ? [[value, gradients[i]] as const] : []))
  return {
    train: program({ name: 'train', outputs: { loss, logProb }, gradients: new Map(known) }),
    score: program({ name: 'score', outputs: { logProb } }),
  }
}

/** Only what the program asks for: a model may do without, say, `branch`. */
export function feedsFor(program: Program, feeds: Feeds): Feeds {
  const wanted = new Set(program.inputs.map(({ name }) => name))
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name)))
}
