/** @file The executor with both programs of a run, seen as functions of a batch. */

import { type DecodePrompts, decoderOf } from '../compute/generation/index.ts'
import { type Program, prepareParameters } from '../compute/index.ts'
import type { Batch } from '../data/index.ts'
import { buildGenerator } from '../eval/generator.ts'
import type { AdapterPlan, CompiledProgram, Dims, Executor, Feeds, Model } from '../plugin/contract.ts'
import { ownOptions } from '../recipe/create.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import type { MemoryChoice } from '../track/provenance.ts'
import { dropoutFeeds, type MicroPlace } from '../train/dropout.ts'
import { buildPrograms, feedsFor } from '../train/step.ts'
import { collectGarbage } from '../util/garbage.ts'
import type { RunOptions } from './options.ts'
import { anySignal } from './resources.ts'
import type { RunStages } from './stages.ts'

/** How far the adapter is turned on. */
export const GAIN = { base: 0, tuned: 1 } as const

export interface Engine {
  readonly executor: Executor
  readonly precision: 'fp32' | 'bf16'
  /** How steps are cut. */
  readonly memory: MemoryChoice
  /** Log-probability of each label, by the program without a backward pass. */
  score(batch: Batch, gain: number): Promise<Float32Array>
  /** The same by the training program, which is at hand between two steps, where the other would have to be loaded. */
  scoreInTraining(batch: Batch, gain: number): Promise<Float32Array>
  /** Runs a training micro-batch and keeps its gradients; returns the weighted loss. */
  train(batch: Batch, place: MicroPlace): Promise<number>
  /** Answers prompts by the program with a cache. */
  readonly decode: DecodePrompts
  /** Makes sure that every parameter that trains is there, so that it can be read and written. */
  prepareTraining(): Promise<void>
  close(): Promise<void>
}

/** The precision that computes: what the recipe asks for, or the executor's choice where it says auto. */
export function precisionOf(
  { recipe }: ResolvedRecipe,
  { compute }: Pick<RunStages, 'compute'>,
): 'fp32' | 'bf16' {
  return recipe.train.precision === 'auto' ? compute.auto : recipe.train.precision
}

/**
 * Works out what parameters start from, opens the executor, sets the optimizer; compiles on first use. `signal` stops
 * it between two batches.
 */
export async function openEngine(
  resolved: ResolvedRecipe,
  stages: RunStages,
  model: Model,
  plan: AdapterPlan,
  memory: MemoryChoice,
  { signal, onProgress }: Pick<RunOptions, 'signal' | 'onProgress'> = {},
): Promise<Engine> {
  const programs = buildPrograms(model, plan, memory)
  const progress = (done: number, total: number): void =>
    onProgress?.({ phase: 'factor weights', done, total })
  await prepareParameters(programs.train.parameters, { signal, progress })
  const precision = precisionOf(resolved, stages)
  collectGarbage()
  const executor = await stages.compute.open(precision)
  const score = lazily(executor, programs.score)
  const train = lazily(executor, programs.train)
  const run = async (
    { program, compiled }: LazyProgram,
    batch: Batch,
    gain: number,
    accumulate: boolean,
    extra: Feeds = {},
  ): Promise<Readonly<Record<string, Float32Array>>> => {
    signal?.throwIfAborted()
    const fed = feedsFor(program, { ...batchFeeds(batch, gain), ...extra })
    return (await compiled()).run(fed, batchDims(batch), accumulate)
  }
  const dropped = (batch: Batch, place?: MicroPlace): Feeds =>
    dropoutFeeds(plan, resolved.recipe.seed, batch, place)
  try {
    await executor.optimizer(optimizerSpec(resolved))
  } catch (error) {
    await executor.close()
    throw error
  }
  return {
    executor,
    precision,
    memory,
    score: async (batch, gain) => (await run(score, batch, gain, false)).logProb!,
    scoreInTraining: async (batch, gain) => (await run(train, batch, gain, false, dropped(batch))).logProb!,
    train: async (batch, place) =>
      (await run(train, batch, GAIN.tuned, true, dropped(batch, place))).loss![0]!,
    decode: generatorOf(executor, model, plan, signal),
    prepareTraining: async () => void (await train.compiled()),
    close: () => executor.close(),
  }
}

interface LazyProgram {
  readonly program: Program
  compiled(): Promise<CompiledProgram>
}

function lazily(executor: Executor, program: Program): LazyProgram {
  let compiled: Promise<CompiledProgram> | undefined
  return {
    program,
    compiled: () => {
      compiled ??= executor.compile(program)
      return compiled
    },
  }
}

/** Built and compiled when it is first asked for; `signal` stops it between two tokens. */
export function generatorOf(
  executor: Executor,
  model: Model,
  plan: Pick<AdapterPlan, 'attachment'>,
  signal: AbortSignal | undefined,
): DecodePrompts {
  let made: Promise<DecodePrompts> | undefined
  const open = async (): Promise<DecodePrompts> => {
    const program = buildGenerator(model, plan.attachment)
    return decoderOf(await executor.compile(program), program)
  }
  return async (request, control = {}) => {
    made ??= open()
    const decode = await made
    return decode(request, { ...control, signal: anySignal(signal, control.signal) })
  }
}

export function batchFeeds(batch: Batch, gain: number): Feeds {
  const { ids, position, segment, branch, labelSlot, labelId, labelWeight } = batch
  return { ids, position, segment, branch, labelSlot, labelId, labelWeight, gain: Float32Array.of(gain) }
}

export function batchDims({ rows, length, labels }: Batch): Dims {
  return { rows, length, labels }
}

/** The optimizer crosses to the worker by the module it comes from. */
function optimizerSpec({ recipe, registry }: ResolvedRecipe) {
  const name = recipe.optimizer.use
  return {
    module: registry.origin('optimizer', name).module,
    name,
    options: ownOptions('optimizer', recipe.optimizer),
  }
}
