/** @file What a run takes in memory, as a whole process, for a given way of cutting its steps. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Program, Value } from '../compute/index.ts'
import { padded } from '../data/index.ts'
import { SCORED_TOKENS } from '../eval/index.ts'
import type {
  AdapterPlan,
  Dims,
  ExecutorSource,
  Model,
  Optimizer,
  ProgramMemory,
} from '../plugin/contract.ts'
import { buildPrograms } from '../train/step.ts'

/** Node, the libraries and what the run itself holds. */
const PROCESS = 200e6
/** Bytes that a tokenizer takes for each of its file. */
const TOKENIZER = 6

export interface Need {
  /** Bytes of the process at most, for micro-batches of so many rows. */
  atMost(rows: number): number
}

export interface NeedContext {
  readonly model: Model
  readonly plan: AdapterPlan
  readonly compute: ExecutorSource
  readonly optimizer: Optimizer
  /** Tokens of the longest row. */
  readonly longest: number
  /** Whether anything is scored before and after. */
  readonly scores: boolean
}

/** Undefined where the executor cannot tell. Generated answers are not foreseen. */
export async function needOf(context: NeedContext, recompute: boolean): Promise<Need | undefined> {
  const { model, plan, compute, optimizer, scores } = context
  if (!compute.memory) return undefined
  const { train, score } = buildPrograms(model, plan, { recompute })
  const fixed = PROCESS + TOKENIZER * tokenizerBytes(model) + parameterBytes(train, optimizer)
  const [training, scoring] = [await compute.memory(train), await compute.memory(score)]
  const length = padded(context.longest)
  const scored = scoring(dimsOf(Math.max(1, Math.floor(SCORED_TOKENS / length)), length))
  return {
    atMost(rows) {
      const dims = dimsOf(rows, length)
      const trained = total(training(dims)) + fedBytes(train, dims)
      return fixed + Math.max(trained, scores ? total(scored) : 0)
    },
  }
}

const total = ({ weights, activations }: ProgramMemory): number => weights + activations

/** As if every token had a label. */
const dimsOf = (rows: number, length: number): Dims => ({ rows, length, labels: rows * length })

function tokenizerBytes({ folder }: Model): number {
  return statSync(join(folder, 'tokenizer.json'), { throwIfNoEntry: false })?.size ?? 0
}

/** Value, gradient sum and the buffer that a run writes to, with the optimizer's state; of what is frozen the value. */
function parameterBytes({ parameters }: Program, optimizer: Optimizer): number {
  return parameters.reduce((sum, { name, shape, frozen }) => {
    const size = shape.reduce((product, dim) => product * dim, 1)
    if (frozen) return sum + 4 * size
    const state = optimizer.init(name, size, shape).reduce((bytes, { byteLength }) => bytes + byteLength, 0)
    return sum + 12 * size + state
  }, 0)
}

/** Inputs exist on both sides of the executor. */
function fedBytes({ inputs }: Program, dims: Dims): number {
  return inputs.reduce((sum, { value }) => sum + 2 * bytesOf(value, dims), 0)
}

function bytesOf({ dtype, shape }: Value, dims: Dims): number {
  const size = shape.reduce<number>(
    (product, dim) => product * (typeof dim === 'number' ? dim : dims[dim]!),
    1,
  )
  return (dtype === 'u8' ? 1 : 4) * size
}
