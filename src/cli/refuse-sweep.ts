/** @file A sweep where a recipe is wanted, or the other way round: say so, instead of telling every key of it as unknown. */
import { isRecipeTarget, isSweepTarget } from '../sweep/find.ts'
import { UsageError } from './failure.ts'

/** @throws UsageError where the target is a sweep */
export function refuseSweep(target: string): void {
  if (isSweepTarget(target))
    throw new UsageError(`${target} is a sweep, not a recipe: medtune sweep ${target}`)
}

/** @throws UsageError where the target is a recipe */
export function refuseRecipe(target: string): void {
  if (isRecipeTarget(target))
    throw new UsageError(
      `${target} is a recipe, not a sweep: medtune run ${target}; a sweep names one and what varies, see medtune init lora-rank`,
    )
}
