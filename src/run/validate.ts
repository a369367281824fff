/** @file What `medtune validate` adds to reading a recipe: whether its parts fit one another, as far as that is known without a download. */
import { InputError, type Model } from '../plugin/contract.ts'
import { checkAll } from '../recipe/errors.ts'
import type { ResolvedRecipe } from '../recipe/recipe.ts'
import { openTemplate, planAdapter, preflight } from './preflight.ts'
import { createStages, type RunStages } from './stages.ts'

/** @throws RecipeError with every mistake that plugins, a local model and a local dataset show. */
export async function validateFit(resolved: ResolvedRecipe): Promise<void> {
  const { recipe } = resolved
  const stages = await inputAt(resolved, 'eval', () => createStages(resolved, () => {}))
  const model = 'path' in recipe.model ? await loadModel(resolved, stages) : undefined
  const dataset = 'path' in recipe.dataset ? stages.dataset : undefined
  await checkAll([
    () => model && planAdapter(resolved, stages, model),
    () => model && openTemplate(resolved, stages, model),
    () => inputAt(resolved, 'dataset', () => preflight(resolved, stages, dataset, model)),
  ])
}

function loadModel(resolved: ResolvedRecipe, stages: RunStages): Promise<Model> {
  return inputAt(resolved, 'model.path', () => stages.model.load())
}

/** A file that cannot be used is a mistake of the option that names it. */
async function inputAt<T>(resolved: ResolvedRecipe, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw error instanceof InputError ? resolved.error(path, error.message) : error
  }
}
