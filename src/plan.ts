/** @file What a run would do, without doing it: the same first steps as `run`, then counting instead of training. */
import { applyLength, type Census, type EncodedSplit, type Fate, type Tokenizer } from './data/index.ts'
import type { Dataset, Model, Template } from './plugin/contract.ts'
import type { Recipe, ResolvedRecipe } from './recipe/recipe.ts'
import { openData, splitDataset } from './run/data.ts'
import { precisionOf } from './run/engine.ts'
import { type Estimate, estimateRun, measureSpeed } from './run/estimate.ts'
import { chooseMemory } from './run/memory.ts'
import type { RunOptions } from './run/options.ts'
import { openTemplate, planAdapter, preflight } from './run/preflight.ts'
import { Warnings } from './run/record.ts'
import { closing } from './run/resources.ts'
import { createStages } from './run/stages.ts'
import type { MemoryChoice } from './track/provenance.ts'
import { countRows, totalSteps } from './train/batches.ts'
import { warnOfZeroRate } from './train/guards/rate.ts'

const SAMPLES = 3

/** A training document as the model will see it, in runs of text that are learned or not. */
export interface Sample {
  readonly tokens: number
  readonly labels: number
  /** What becomes of the row; of one that is left out, the whole is shown. */
  readonly fate: Fate
  readonly runs: readonly { readonly text: string; readonly train: boolean }[]
}

export interface Plan {
  readonly name: string
  readonly hash: string
  readonly recipe: Recipe
  readonly model: { readonly folder: string; readonly parameters: number }
  readonly adapter: { readonly trainable: number; readonly targets: readonly string[] }
  readonly census: { readonly train: Census; readonly holdout?: Census }
  /** Rows of an epoch after packing. */
  readonly rows: number
  readonly steps: number
  /** How often the training data is gone through. */
  readonly epochs: number
  readonly estimate: Estimate
  /** How steps are cut so that they fit into memory. */
  readonly memory: MemoryChoice
  /** What the first row was taken for, such as `sharegpt`, where the template goes by the row. */
  readonly form?: string
  readonly samples: readonly Sample[]
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

/** @throws as `run` does before it makes a folder, and InputError for rows that cannot be tokenised. */
export async function plan(
  resolved: ResolvedRecipe,
  options: Pick<RunOptions, 'onProgress'> = {},
): Promise<Plan> {
  const { recipe, hash } = resolved
  const warnings = new Warnings()
  const stages = await createStages(resolved, warnings.warn, options.onProgress)
  const dataset = splitDataset(resolved, stages.dataset)
  const model = await stages.model.load()
  await openTemplate(resolved, stages, model)
  const adapter = planAdapter(resolved, stages, model)
  await preflight(resolved, stages, dataset, model)
  return closing(async (use) => {
    const data = await use(openData(resolved, stages, dataset, model, warnings.warn))
    const { samples, form } = await takeSamples(dataset, stages.template, data.tokenizer, recipe.train)
    const { work, rows, steps, epochs } = await countWork(recipe, data.train)
    await data.checked
    warnOfZeroRate(stages.schedule, steps, Number(recipe.optimizer.lr), warnings.warn)
    const executor = await use(stages.compute.open(precisionOf(resolved, stages)))
    const memory = await chooseMemory(resolved, stages, model, adapter, data.train, warnings.warn)
    const estimate = estimateRun(model, adapter, work, memory, await measureSpeed(executor))
    return {
      name: recipe.name,
      hash,
      recipe,
      model: describeModel(model),
      adapter: { trainable: adapter.trainable, targets: adapter.targets },
      census: {
        train: await data.train.census,
        ...(data.holdout ? { holdout: await data.holdout.census } : {}),
      },
      rows,
      steps,
      epochs,
      estimate,
      memory,
      ...(form === undefined ? {} : { form }),
      samples,
      warnings: warnings.list,
    }
  })
}

const describeModel = ({ folder, parameters }: Model): Plan['model'] => ({ folder, parameters })

async function countWork({ train }: Recipe, split: EncodedSplit) {
  const [census, rows] = [await split.census, await countRows(split, train)]
  const steps = totalSteps(rows, train)
  const { steps: _, ...oneEpoch } = { ...train, epochs: 1 }
  const epochs = steps / totalSteps(rows, oneEpoch)
  return {
    rows,
    steps,
    epochs,
    work: {
      tokens: census.tokens * epochs,
      labels: census.labelTokens * epochs,
    },
  }
}

/** The first few training rows, cut into tokens and back, so that what is shown is what is learned. */
async function takeSamples(
  dataset: Dataset,
  template: Template,
  tokenizer: Tokenizer,
  { max_length, over_length }: Recipe['train'],
): Promise<Pick<Plan, 'samples' | 'form'>> {
  const samples: Sample[] = []
  let form: string | undefined
  for await (const row of dataset.read('train')) {
    form ??= template.form?.(row)
    const whole = tokenizer.encode(template.render(row))
    const { fate, document = whole } = applyLength(whole, max_length, over_length)
    const { ids, mask } = document
    const kept = ids.length
    const runs: { text: string; train: boolean }[] = []
    for (let start = 0, end = 0; start < kept; start = end) {
      while (end < kept && mask[end] === mask[start]) end++
      runs.push({ text: tokenizer.decode(ids.subarray(start, end)), train: mask[start] === 1 })
    }
    const labels = mask.reduce((total, bit) => total + bit, 0)
    samples.push({ tokens: kept, labels, fate, runs })
    if (samples.length === SAMPLES) break
  }
  return { samples, ...(form === undefined ? {} : { form }) }
}
