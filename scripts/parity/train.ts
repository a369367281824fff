/** @file Trains as `medtune run` does between opening the data and writing the adapter, but from a given adapter. */
import type { Batch } from '../../src/data/index.ts'
import { readSafetensors, readTensor } from '../../src/nn/index.ts'
import type { RunEventBody } from '../../src/plugin/contract.ts'
import { loadRecipe } from '../../src/recipe/recipe.ts'
import { openData, splitDataset } from '../../src/run/data.ts'
import { type Engine, openEngine } from '../../src/run/engine.ts'
import { planAdapter } from '../../src/run/preflight.ts'
import { createStages } from '../../src/run/stages.ts'
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
  const engine = await openEngine(resolved, stages, model, planAdapter(resolved, stages, model))
  const steps: StepEvent[] = []
  const batches: Batch[] = []
  const stepOf: number[] = []
  let names: readonly string[] | undefined
  try {
    await trainLoop({
      executor: engine.executor,
      run: async (...micro: Parameters<Engine['train']>) => {
        names ??= await writeAdapter(engine, adapter, micro[0])
        batches.push(micro[0])
        stepOf.push(steps.length + 1)
        return engine.train(...micro)
      },
      split: data.train,
      options: resolved.recipe.train,
      seed: resolved.recipe.seed,
      lr: Number(resolved.recipe.optimizer.lr),
      schedule: stages.schedule,
      emit: (event) => {
        if (event.type !== 'step') return
        steps.push(event)
        onStep(event)
      },
    })
    const trained = new Map<string, Float32Array>()
    for (const name of names!) trained.set(name, await engine.executor.read(name))
    return { steps, batches, stepOf, adapter: trained }
  } finally {
    await engine.close()
    await data.close()
  }
}

/** Parameters exist in the executor once the program has run. */
async function writeAdapter(engine: Engine, file: string, batch: Batch): Promise<readonly string[]> {
  await engine.scoreInTraining(batch, 0)
  const { tensors } = readSafetensors(file)
  for (const slice of tensors.values()) await engine.executor.write(slice.name, await readTensor(slice))
  return [...tensors.keys()]
}
