/**
 * @file The two programs of a run, of the same forward graph: `train` (loss, log-probabilities and the
 * gradient of every parameter) and `score` (log-probabilities only, no backward).
 */
import {
  gradientsOnTheWay,
  headLoss,
  input,
  type ParameterSpec,
  type Program,
  parametersOf,
  program,
  recompute,
  takeRows,
  type Value,
} from '../compute/index.ts'
import { batchInputs } from '../nn/index.ts'
import type { AdapterPlan, Attachment, Feeds, Model } from '../plugin/contract.ts'

export interface Programs {
  /** Outputs loss [] = sum of labelWeight * -log p, and logProb [labels]. */
  readonly train: Program
  /** Output logProb [labels]. */
  readonly score: Program
}

export interface ProgramOptions {
  /** Computes the activations of each layer again in the backward pass, instead of keeping them. */
  readonly recompute: boolean
}

/**
 * Inputs of both: ids, position, segment, branch i32 [rows, length]; labelSlot, labelId i32 [labels];
 * labelWeight f32 [labels]; gain f32 [] (0 for the base model, 1 for the adapted one).
 */
export function buildPrograms(
  model: Model,
  plan: AdapterPlan,
  options: ProgramOptions = { recompute: false },
): Programs {
  const trained = forward(model, plan.training?.attachment ?? plan.attachment)
  const { loss, logProb } = trained
  // Dropout belongs to training alone: scores then come from a graph of their own.
  const scored = plan.training ? forward(model, plan.attachment).logProb : logProb
  return {
    train: program({ name: 'train', outputs: { loss, logProb }, gradients: backward(trained, options) }),
    score: program({ name: 'score', outputs: { logProb: scored } }),
  }
}

/** Whether the model says where its layers begin and end, without which no activation is computed again. */
export function canRecompute(model: Model, plan: AdapterPlan): boolean {
  return forward(model, plan.attachment).boundaries.length > 1
}

/** The gradient of each parameter that the loss reaches. */
function backward({ loss, logProb, boundaries }: Forward, options: ProgramOptions): Map<Value, Value> {
  const parameters = parametersOf([loss]).filter(
    ({ node }) => (node.attrs.spec as ParameterSpec).frozen !== true,
  )
  const found = gradientsOnTheWay(loss, parameters)
  const reached = parameters.filter((parameter) => found.has(parameter))
  const direct = reached.map((parameter) => found.get(parameter)!)
  if (!options.recompute) return new Map(reached.map((parameter, i) => [parameter, direct[i]!]))
  const arriving = boundaries.map((boundary) => found.get(boundary) ?? null)
  const gradients = recompute({ outputs: [loss, logProb], boundaries, arriving, gradients: direct })
  return new Map(reached.map((parameter, i) => [parameter, gradients[i]!]))
}

interface Forward {
  readonly loss: Value
  readonly logProb: Value
  readonly boundaries: readonly Value[]
}

function forward(model: Model, attachment: Attachment): Forward {
  const { hidden, head, boundaries = [] } = model.build(batchInputs(), attachment)
  const labelled = takeRows(hidden, input('labelSlot', 'i32', ['labels']))
  const labelId = input('labelId', 'i32', ['labels'])
  const scored = headLoss(labelled, head, labelId, input('labelWeight', 'f32', ['labels']))
  return { ...scored, boundaries }
}

/** Only what the program asks for: a model may do without, say, `branch`. */
export function feedsFor(program: Program, feeds: Feeds): Feeds {
  const wanted = new Set(program.inputs.map(({ name }) => name))
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name)))
}
