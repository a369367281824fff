/** @file Evaluations that nothing may be chosen by: those that score a test split. */
import { isTestName, isTestPath } from '../util/test-name.ts'
import type { StageUse } from './recipe.ts'

/** What an evaluation is called in reports. */
export function evaluationName(use: StageUse): string {
  return typeof use.name === 'string' ? use.name : use.use
}

/** What the recipe itself says that makes an evaluation one of a test split, in words; undefined where nothing does. */
export function testSplit(use: StageUse): string | undefined {
  const split = ['split', 'config'].find((key) => isTestName(use[key]))
  if (split) return `the ${split} "${use[split]}"`
  const file = ['path', 'repo', 'task', 'ids'].find((key) => isTestPath(use[key]))
  if (file) return `${file} "${use[file]}", a test by its name`
  return isTestName(use.name) ? 'a test by its name' : undefined
}

/** @param test what `testSplit`, or the evaluation itself, says */
export function chosenByTest(use: StageUse, test: string): string {
  return (
    `"${evaluationName(use)}" scores ${test}: choosing by it makes the test part of training, and its score ` +
    'means nothing afterwards. Choose by validation data (holdout.loss, or a split that is not the test), and score the winner on the test once'
  )
}
