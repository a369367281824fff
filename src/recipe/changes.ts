/** @file What of a recipe is not as in another one. */
import { canonicalJson } from './hash.ts'
import type { Recipe } from './recipe.ts'

export interface RecipeChange {
  /** Dotted path of the option; a list changes as a whole. */
  readonly path: string
  /** Undefined where it was, or is, not there. */
  readonly before: unknown
  readonly after: unknown
}

/** Sorted by path. */
export function changesBetween(before: Recipe, after: Recipe): readonly RecipeChange[] {
  return [...differences(before, after, [])].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** `train.steps: 6 -> 12` */
export function describeChange({ path, before, after }: RecipeChange): string {
  const told = (value: unknown): string => (value === undefined ? 'not set' : canonicalJson(value))
  return `${path}: ${told(before)} -> ${told(after)}`
}

function* differences(before: unknown, after: unknown, at: readonly string[]): Generator<RecipeChange> {
  if (isMap(before) && isMap(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* differences(before[key], after[key], [...at, key])
    return
  }
  const same =
    before === undefined || after === undefined
      ? before === after
      : canonicalJson(before) === canonicalJson(after)
  if (!same) yield { path: at.join('.'), before, after }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
