/** @file Trains as `medtune run` does between opening the data and writing the adapter, but from a given adapter. */
import type { Batch, EncodedSplit } from '../../src/data/index.ts'
import { readSafetensors, readTensor } from '../../src/nn/index.ts'
import type { RunEventBody } from '../../src/plugin/contract.ts'
import { loadRecipe, type ResolvedRecipe } from '../../src/recipe/recipe.ts'
import { openData, splitDataset } from '../../src/run/data.ts'
import { type Engine, openEngine } from '../../src/run/engine.ts'
import { wholeBatches } from '../../src/run/memory.ts'
import { planAdapter } from '../../src/run/preflight.ts'
import { createStages, type RunStages } from '../../src/run/stages.ts'
import { trainLoop } from '../../src/train/loop.ts'

export type StepEvent = Extract<RunEventBody, { type: 'step' }>

export interface Trained {
  readonly steps: readonly StepEvent[]
  readonly batches: readonly Batch[]
  /** Steps that each micro-batch belongs to. */
  readonly stepOf: readonly number[]
  /** Trained tensors by their names in the adapter's file. */
  readonly adapter: ReadonlyMap<string, Float32Array>
}

/** Runs the recipe's own stages, data path, loop and executor; `adapter` is an adapter_model.safetensors. */
export async function trainFrom(
  recipe: string,
  adapter: string,
  onStep: (event: StepEvent) => void = () => {},
): Promise<Trained> {
  const resolved = await loadRecipe(recipe)
  const warn = (): void => {}
  const stages = await createStages(resolved, warn)
  const model = await stages.model.load()
  const dataset = splitDataset(resolved, stages.dataset)
  const data = await openData(resolved, stages, dataset, model, warn)
  const plan = planAdapter(resolved, stages, model)
  const engine = await openEngine(resolved, stages, model, plan, wholeBatches(resolved.recipe.train))
  const batches: Batch[] = []
  const stepOf: number[] = []
  let names: readonly string[] | undefined
  let step = 1
  try {
    const run: Engine['train'] = async (...micro) => {
      names ??= await writeAdapter(engine, adapter, micro[0])
      batches.push(micro[0])
      stepOf.push(step)
      return engine.train(...micro)
    }
    const steps = await trainSteps(resolved, stages, { ...engine, train: run }, data.train, (event) => {
      step = event.step + 1
      onStep(event)
    })
    const trained = new Map<string, Float32Array>()
    for (const name of names!) trained.set(name, await engine.executor.read(name))
    return { steps, batches, stepOf, adapter: trained }
  } finally {
    await engine.close()
    await data.close()
  }
}

/** The loop of a run, with what it logs of each step. */
export async function trainSteps(
  { recipe }: ResolvedRecipe,
  { schedule }: Pick<RunStages, 'schedule'>,
  engine: Pick<Engine, 'executor' | 'train'>,
  split: EncodedSplit,
  onStep: (event: StepEvent) => void = () => {},
): Promise<readonly StepEvent[]> {
  const steps: StepEvent[] = []
  await trainLoop({
    executor: engine.executor,
    run: engine.train,
    split,
    options: recipe.train,
    seed: recipe.seed,
    lr: Number(recipe.optimizer.lr),
    schedule,
    emit: (event) => {
      if (event.type !== 'step') return
      steps.push(event)
      onStep(event)
    },
  })
  return steps
}

/** Parameters exist in the executor once the program has run. */
async function writeAdapter(engine: Engine, file: string, batch: Batch): Promise<readonly string[]> {
  await engine.scoreInTraining(batch, 0)
  const { tensors } = readSafetensors(file)
  for (const slice of tensors.values()) await engine.executor.write(slice.name, await readTensor(slice))
  return [...tensors.keys()]
}
