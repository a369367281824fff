/** @file `medtune/eval`: what evaluations are made of. */
export { fillPattern, type Item, readItems } from './items.ts'
export { type Comparison, compareItems, mcnemar, permutation } from './paired.ts'
export { createScorer, type RunBatch, type Scorer } from './score.ts'
export { type Estimate, estimate, meanEstimate, ratioEstimate, shareEstimate, wilson } from './statistics.ts'
