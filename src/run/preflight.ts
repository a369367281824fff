/** @file What can be known to be wrong before a model is compiled: each mistake in the form and place of a recipe error. */

import { checkHoldout } from '../data/index.ts'
import {
  type AdapterPlan,
  type Dataset,
  InputError,
  type Model,
  OptionError,
  type Row,
  type Template,
} from '../plugin/contract.ts'
import { checkAll } from '../recipe/errors.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { nearest } from '../util/nearest.ts'
import { hasHoldout } from './data.ts'
import type { NamedEvaluation, RunStages } from './stages.ts'
import { checkWatched } from './watched.ts'

/**
 * What is undefined is not at hand yet, and what it decides is not checked.
 * @throws RecipeError with every mistake, or InputError for a data set that is empty or damaged at its first row
 */
export async function preflight(
  resolved: ResolvedRecipe,
  stages: RunStages,
  dataset: Dataset | undefined,
  model: Model | undefined,
): Promise<void> {
  await checkAll([
    () => checkPrecision(resolved, stages),
    () => model && checkLength(resolved, model),
    () => checkHoldoutUse(resolved, stages),
    () => checkRate(resolved, stages),
    () => checkRollback(resolved),
    () => checkWatched(resolved, stages.evaluations),
    async () => dataset && checkColumns(resolved, stages, await firstRow(resolved, dataset)),
  ])
}

/** Reads, and downloads, what evaluations will ask. @throws RecipeError at each whose option or file does not serve */
export async function prepareEvaluations(
  resolved: ResolvedRecipe,
  { evaluations }: { readonly evaluations: readonly Pick<NamedEvaluation, 'path' | 'evaluation'>[] },
): Promise<void> {
  await checkAll(
    evaluations.map(({ evaluation, path }) => async () => {
      try {
        await evaluation.prepare?.()
      } catch (error) {
        throw atOption(resolved, path, error)
      }
    }),
  )
}

/** Lets the template read the model's own files. @throws RecipeError where they do not serve it */
export async function openTemplate(
  resolved: ResolvedRecipe,
  { template }: Pick<RunStages, 'template'>,
  model: Model,
): Promise<void> {
  try {
    await template.open?.(model.folder)
  } catch (error) {
    if (error instanceof InputError) throw resolved.error('template', error.message)
    throw atOption(resolved, 'template', error)
  }
}

/** The adapter's plan for this model. @throws RecipeError for a target that no layer has, a rank that is impossible. */
export function planAdapter(resolved: ResolvedRecipe, stages: RunStages, model: Model): AdapterPlan {
  return placed(resolved, 'adapter', () => stages.adapter.plan(model))
}

/** Turns a plugin's OptionError into one with file, line and column. */
function placed<T>(resolved: ResolvedRecipe, path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw atOption(resolved, path, error)
  }
}

function atOption(resolved: ResolvedRecipe, path: string, error: unknown): unknown {
  if (!(error instanceof OptionError)) return error
  return resolved.error(error.path === '' ? path : `${path}.${error.path}`, error.message)
}

function checkPrecision(resolved: ResolvedRecipe, { compute }: RunStages): void {
  const { train, compute: use } = resolved.recipe
  if (train.precision === 'auto' || compute.precisions.includes(train.precision)) return
  const offered = compute.precisions.join(', ')
  throw resolved.error(
    'train.precision',
    `"${train.precision}" is not offered by compute "${use.use}"; it has: ${offered}, or leave it at auto`,
  )
}

function checkLength(resolved: ResolvedRecipe, model: Model): void {
  const { max_length } = resolved.recipe.train
  if (max_length <= model.maxLength) return
  throw resolved.error(
    'train.max_length',
    `is ${max_length}, but the model was made for at most ${model.maxLength} positions`,
  )
}

function checkHoldoutUse(resolved: ResolvedRecipe, stages: RunStages): void {
  const { train, dataset } = resolved.recipe
  placed(resolved, 'dataset', () => checkHoldout(stages.dataset, Number(dataset.holdout ?? 0)))
  if (hasHoldout(resolved, stages)) return
  const advice =
    'dataset.holdout is 0: no row is held out; set it to a count or a fraction, or give a validation file'
  if (train.eval_every !== undefined)
    throw resolved.error('train.eval_every', `asks for a holdout loss, but ${advice}`)
  const asks = stages.evaluations.find(({ evaluation }) => evaluation.needsHoldout)
  if (asks) throw resolved.error(asks.path, `${asks.name} scores the held-out rows, but ${advice}`)
}

/** The schedule multiplies the optimizer's own rate: one without would train at NaN. */
function checkRate(resolved: ResolvedRecipe, { schedule }: RunStages): void {
  const { optimizer } = resolved.recipe
  const { lr } = optimizer
  if (typeof lr === 'number') {
    placed(resolved, 'schedule', () => schedule.at(0, 1, lr))
    return
  }
  throw resolved.error(
    'optimizer',
    `"${optimizer.use}" has no option lr, the rate that the schedule multiplies`,
  )
}

/** What training goes back to must be made by its own steps: a resumed run goes back to the same. */
function checkRollback(resolved: ResolvedRecipe): void {
  const { train, checkpoint } = resolved.recipe
  if (train.on_nonfinite !== 'rollback' || (checkpoint.every !== undefined && checkpoint.keep > 0)) return
  const lacks = checkpoint.keep === 0 ? 'checkpoint.keep is 0' : 'checkpoint.every is not set'
  throw resolved.error('train.on_nonfinite', `rollback returns to the last checkpoint, but ${lacks}`)
}

async function firstRow(resolved: ResolvedRecipe, dataset: Dataset): Promise<Row> {
  try {
    for await (const row of dataset.read('train')) return row
  } catch (error) {
    throw atOption(resolved, 'dataset', error)
  }
  throw new InputError(`dataset "${resolved.recipe.dataset.use}" has no rows to train on`)
}

function checkColumns(resolved: ResolvedRecipe, { template }: RunStages, row: Row): void {
  const there = Object.keys(row)
  const missing = template.columns.find((column) => !Object.hasOwn(row, column))
  if (missing === undefined) {
    checkForm(resolved, template, row)
    return
  }
  const near = nearest(missing, there)
  const hint = near === undefined ? '' : `; did you mean "${near}"`
  throw resolved.error(
    optionNaming(resolved, missing),
    `the dataset has no column "${missing}"${hint}; its columns: ${there.join(', ')}`,
  )
}

/** A row in no form that is known is a mistake of the template, not of the row. */
function checkForm(resolved: ResolvedRecipe, template: Template, row: Row): void {
  try {
    template.form?.(row)
  } catch (error) {
    if (error instanceof InputError) throw resolved.error('template', `the first row ${error.message}`)
    throw error
  }
}

/** The template option that spells `{column}`; the template itself where none does. */
function optionNaming(resolved: ResolvedRecipe, column: string): string {
  const options = Object.entries(resolved.recipe.template)
  const named = options.find(([, value]) => typeof value === 'string' && value.includes(`{${column}}`))
  return named ? `template.${named[0]}` : 'template'
}
