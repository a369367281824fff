/** @file What is measured, by name: stages of a list, and what training measures by itself. */
import type { StageUse } from './recipe.ts'

/** The loss on held-out rows is measured under this name, and that on training rows under the next; no evaluation may have one. */
export const HOLDOUT = 'holdout'
export const TRAIN = 'train'

/** What a stage of a list is called in reports: its `name`, else its plugin. */
export function stageName(use: StageUse): string {
  return typeof use.name === 'string' ? use.name : use.use
}
