/** @file What happens at a step whose loss or gradient is no number: the run fails, passes over it, or goes back. */
import { DivergedError, isSound } from '../loop.ts'
import type { StepDone, StepHook, Verdict } from '../state.ts'
import type { Warn } from './warn.ts'

export interface NonfiniteOptions {
  /**
   * `stop`: the run fails. `skip`: the step changes nothing and training goes on with the next rows. `rollback`: as
   * `skip`, and parameters and optimizer return to the last checkpoint.
   */
  readonly on_nonfinite: 'stop' | 'skip' | 'rollback'
  /** Such steps that are passed over among the last 100; one more, and the run fails. */
  readonly nonfinite_limit: number
}

/** Steps within which the limit counts. */
const WINDOW = 100

interface Saved {
  /** Steps without a number, among the last 100. */
  readonly bad: readonly number[]
  /** Whether any step had one. */
  readonly sound: boolean
}

/** @param firstSaved the step after which there is a checkpoint to return to */
export function nonfiniteGuard(options: NonfiniteOptions, firstSaved: number, warn: Warn): StepHook {
  let { bad, sound }: Saved = { bad: [], sound: false }
  return {
    name: 'nonfinite',
    afterStep(done): Verdict | undefined {
      if (isSound(done)) {
        sound = true
        return undefined
      }
      // Without a verdict the loop fails, and says why.
      if (options.on_nonfinite === 'stop') return undefined
      bad = [...bad.filter((step) => step > done.step - WINDOW), done.step]
      if (bad.length > options.nonfinite_limit) throw givenUp(done, bad.length, sound, options)
      const back = options.on_nonfinite === 'rollback' && done.step > firstSaved
      warn('nonfinite', `${described(done)}; ${back ? BACK : 'the step changed nothing and is passed over'}`)
      return back ? 'roll back' : 'go on'
    },
    save: (): Saved => ({ bad, sound }),
    load: (saved) => {
      ;({ bad, sound } = saved as Saved)
    },
  }
}

const BACK = 'parameters and optimizer return to the last checkpoint, and training goes on behind these rows'

function described({ step, loss, gradNorm, lr }: StepDone): string {
  const [what, value] = Number.isFinite(loss) ? ['gradient norm', gradNorm] : ['loss', loss]
  return `the ${what} is ${value} at step ${step}, at a learning rate of ${lr.toPrecision(3)}`
}

function givenUp(done: StepDone, count: number, sound: boolean, options: NonfiniteOptions): DivergedError {
  const remedy = sound
    ? 'Try a lower optimizer.lr, a longer schedule.warmup or a smaller train.clip, or look at the rows of these steps.'
    : "No step before had a number either: the model's own weights hold such values, or are damaged; fetch it again."
  return new DivergedError(
    `${described(done)}: ${count} of the last ${WINDOW} steps had no number, more than train.nonfinite_limit ` +
      `(${options.nonfinite_limit}) allows: training stopped. ${remedy}`,
  )
}
