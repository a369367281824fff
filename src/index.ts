/** @file `medtune`: running recipes from a program. */
export { type Evaluated, type EvaluateOptions, evaluate } from './evaluate.ts'
export { type Plan, plan } from './plan.ts'
export { RecipeError } from './recipe/errors.ts'
export { loadRecipe, type Recipe, type ResolvedRecipe } from './recipe/recipe.ts'
export type { Progress, RunOptions } from './run/options.ts'
export type { Report } from './run/report.ts'
export { resume, run } from './run.ts'
export { Stopped } from './util/stopped.ts'
