/** @file `medtune/eval`: what evaluations are made of. */

export { type Comparison, compareItems, holm, mcnemar, type Verdict, verdict } from '../util/paired.ts'
export {
  clusteredEstimate,
  type Estimate,
  estimate,
  meanEstimate,
  ratioEstimate,
  shareEstimate,
  wilson,
} from '../util/statistics.ts'
export { fillPattern, type Item, readItems } from './items.ts'
export { type Judgement, type JudgeOptions, judge } from './judge.ts'
export { createScorer, type RunBatch, SCORED_TOKENS, type Scorer } from './score.ts'
export { type Ask, choiceGroup, promptSpans } from './task/ask.ts'
export { judgedTask } from './task/judged.ts'
export { openTask, type TaskOptions } from './task/open.ts'
export { TASK_OPTIONS } from './task/options.ts'
export { exactMatch, rougeL, tokenF1 } from './task/text-metrics.ts'
