/** @file The loss over the held-out rows, every few steps and after the last. */
import type { RunEventBody } from '../plugin/contract.ts'
import type { StepHook } from './state.ts'

/** @param loss token mean over the held-out documents, with the weights of now */
export function holdoutHook(
  every: number,
  loss: () => Promise<number>,
  emit: (event: RunEventBody) => void,
): StepHook {
  return {
    name: 'holdout',
    async afterStep({ step, total }) {
      if (step % every !== 0 && step !== total) return undefined
      emit({ type: 'eval', step, name: 'holdout', scores: { loss: await loss() } })
      return undefined
    },
  }
}
