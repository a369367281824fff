/** @file A sweep where a recipe is wanted: say so, instead of telling every key of it as unknown. */
import { isSweepTarget } from '../sweep/find.ts'
import { UsageError } from './failure.ts'

/** @throws UsageError where the target is a sweep */
export function refuseSweep(target: string): void {
  if (isSweepTarget(target))
    throw new UsageError(`${target} is a sweep, not a recipe: medtune sweep ${target}`)
}
