/** @file The warm-up that every schedule shares: a linear rise from zero over the first steps. */

export const warmupOption = {
  type: 'number',
  minimum: 0,
  default: 0,
  description: 'Steps of linear rise from zero: a count, or below 1 a fraction of all steps, rounded up.',
} as const

export const cyclesOption = {
  type: 'number',
  exclusiveMinimum: 0,
  default: 0.5,
  description: 'Waves of the cosine; 0.5 falls once.',
} as const

/** Where a run stands once the warm-up is over. All are optimizer steps, but for `lr`. */
export interface DecayPoint {
  /** Completed steps: from `warmup` to `total`. */
  readonly step: number
  readonly warmup: number
  readonly total: number
  /** (step - warmup) / (total - warmup): 0 at the end of the warm-up, 1 at the end of the run. */
  readonly progress: number
  /** Learning rate that the factor multiplies. */
  readonly lr: number
}

/** A count of steps in a run of `total`: as given, or where it is below 1 that fraction of all, rounded up. */
export function stepCount(option: number, total: number): number {
  return option >= 1 ? Math.floor(option) : Math.ceil(total * option)
}

/** Factor on the learning rate after `step` completed steps: the rise, then `decay`. Beyond `total` it stays. */
export function withWarmup(
  option: number,
  decay: (point: DecayPoint) => number,
): (step: number, total: number, lr: number) => number {
  return (step, total, lr) => {
    const warmup = stepCount(option, total)
    if (step < warmup) return step / Math.max(1, warmup)
    const at = Math.min(step, total)
    return decay({
      step: at,
      warmup,
      total,
      progress: Math.max(0, at - warmup) / Math.max(1, total - warmup),
      lr,
    })
  }
}

/** Falls along a cosine from 1: `cycles` waves over the whole of `progress`. */
export function cosineFactor(progress: number, cycles: number): number {
  return 0.5 * (1 + Math.cos(Math.PI * cycles * 2 * progress))
}
