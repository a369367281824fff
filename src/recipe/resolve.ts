/** @file From a recipe's name to a frozen recipe. */
import type { ResolvedRecipe } from './recipe.ts'

export async function resolveRecipe(_target: string, _overrides: readonly string[]): Promise<ResolvedRecipe> {
  throw new Error('not built yet')
}
