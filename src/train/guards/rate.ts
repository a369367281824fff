/** @file A learning rate of 0 at every step, with which nothing is learned. */
import type { Schedule } from '../../plugin/contract.ts'
import type { StepHook } from '../state.ts'
import type { Warn } from './warn.ts'

/** Steps that are looked at where a run has more. */
const LOOKS = 10_000

/** Whether the schedule keeps the rate `lr` at 0 throughout a run of `total` steps. */
export function isZeroThroughout(schedule: Schedule, total: number, lr: number): boolean {
  const looks = Math.min(total, LOOKS)
  for (let i = 0; i < looks; i++) {
    if (lr * schedule.at(Math.floor((i * total) / looks), total, lr) !== 0) return false
  }
  return true
}

export function warnOfZeroRate(schedule: Schedule, total: number, lr: number, warn: Warn): void {
  if (!isZeroThroughout(schedule, total, lr)) return
  const steps = total === 1 ? 'the only step' : `all ${total} steps`
  warn(
    'zero-rate',
    `the learning rate is 0 at ${steps}: nothing is learned; look at schedule.warmup and train.steps`,
  )
}

/** Looks at the first step, when it is known how many there will be. */
export function rateGuard(schedule: Schedule, lr: number, warn: Warn): StepHook {
  return {
    name: 'rate',
    afterStep({ step, total }) {
      if (step === 1) warnOfZeroRate(schedule, total, lr, warn)
      return undefined
    },
  }
}
