/** @file Keeps the best weights by a metric that is measured while training goes on, and ends training that no longer improves. */
import type { Measured } from './metric-watch.ts'
import type { StepHook } from './state.ts'

export interface EarlyStoppingOptions {
  /** `holdout.loss`, `train.loss`, or an evaluation, alone or with a score: `qa`, `qa.acc_norm`. */
  readonly metric: string
  /** Which end of it is better; left out, what the evaluation itself says. */
  readonly goal?: 'minimize' | 'maximize'
  /** Measurements in a row without improvement after which training ends; left out, it never does. */
  readonly patience?: number
  /** How much better than the best so far a value must be to count as an improvement. */
  readonly min_delta: number
}

/** What this hook keeps: also what a report tells. */
export interface EarlyStoppingState {
  /** The best measurement; null before the first that is a number. */
  readonly best: { readonly step: number; readonly value: number } | null
  /** Measurements since then. */
  readonly waited: number
  /** Whether patience was at an end. */
  readonly stopped: boolean
}

export const EARLY_STOPPING = 'early-stopping'

/** @param measured the metric, where it was measured at this step */
export function earlyStoppingHook(
  { goal, patience, min_delta }: EarlyStoppingOptions,
  measured: (step: number) => Measured | undefined,
): StepHook {
  let state: EarlyStoppingState = { best: null, waited: 0, stopped: false }
  return {
    name: EARLY_STOPPING,
    afterStep({ step }) {
      const found = measured(step)
      if (found === undefined) return undefined
      const sign = (goal === undefined ? found.better === 'lower' : goal === 'minimize') ? -1 : 1
      const { value } = found
      const { best } = state
      // A value that is no number is no improvement.
      if (Number.isFinite(value) && (best === null || sign * (value - best.value) > min_delta)) {
        state = { best: { step, value }, waited: 0, stopped: false }
        return 'best'
      }
      const waited = state.waited + 1
      state = { ...state, waited, stopped: patience !== undefined && waited >= patience }
      return state.stopped ? 'stop' : undefined
    },
    save: () => state,
    load: (saved) => {
      state = saved as EarlyStoppingState
    },
  }
}
