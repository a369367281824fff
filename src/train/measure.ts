/** @file What is measured every few steps while training goes on. */

import { isSound } from './loop.ts'
import type { Measurement } from './metric-watch.ts'
import type { StepHook } from './state.ts'

export interface MeasureOptions {
  readonly name: string
  /** Optimizer steps between two measurements. */
  readonly every: number
  /** Whether the last step is measured too where `every` does not fall on it. */
  readonly atEnd: boolean
}

/** @param measure with the weights of now @param tell is given what came out */
export function measureHook(
  { name, every, atEnd }: MeasureOptions,
  measure: () => Promise<Measurement>,
  tell: (step: number, measurement: Measurement) => void,
): StepHook {
  return {
    name,
    async afterStep({ step, total }) {
      if (step === total ? atEnd : step % every === 0) tell(step, await measure())
      return undefined
    },
  }
}

/** The mean of the training loss since it was last told, every few steps and at the end. */
export function trainLossHook(
  every: number,
  tell: (step: number, measurement: Measurement) => void,
): StepHook {
  let [sum, count] = [0, 0]
  return {
    name: 'train-loss',
    afterStep(done) {
      if (isSound(done)) [sum, count] = [sum + done.loss, count + 1]
      if (done.step % every !== 0 && done.step !== done.total) return undefined
      tell(done.step, { scores: { loss: sum / count }, metric: 'loss', better: 'lower' })
      ;[sum, count] = [0, 0]
      return undefined
    },
    save: () => [sum, count],
    load: (saved) => {
      ;[sum, count] = saved as [number, number]
    },
  }
}
