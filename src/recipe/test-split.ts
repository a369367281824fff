/** @file What nothing may be chosen by: evaluations that score a test split, and held-out rows that are one. */
import { isTestName, isTestPath, testIn } from '../util/test-name.ts'
import type { StageUse } from './recipe.ts'

/** What the recipe itself says that makes an evaluation one of a test split, in words; undefined where nothing does. */
export function testSplit(use: StageUse): string | undefined {
  return testIn(use) ?? (isTestName(use.name) ? 'a test by its name' : undefined)
}

/** The same of the rows that a data set brings to be held out. */
export function testHoldout({ validation }: StageUse): string | undefined {
  return isTestPath(validation) ? `dataset.validation "${validation}", a test by its name` : undefined
}

/**
 * @param name what chooses, such as the name of an evaluation
 * @param test what `testSplit`, `testHoldout` or the evaluation itself says
 */
export function chosenByTest(name: string, test: string): string {
  return (
    `"${name}" scores ${test}: choosing by it makes the test part of training, and its score ` +
    'means nothing afterwards. Choose by validation data (holdout.loss, or a split that is not the test), and score the winner on the test once'
  )
}
