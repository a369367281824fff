/** @file The warm-up that every schedule shares: a linear rise from zero over the first steps. */

export const warmupOption = {
  type: 'number',
  minimum: 0,
  default: 0,
  description: 'Steps of linear rise from zero: a count, or below 1 a fraction of all steps, rounded up.',
} as const

/** Number of warm-up steps in a run of `total` steps. */
export function warmupSteps(warmup: number, total: number): number {
  return warmup >= 1 ? Math.floor(warmup) : Math.ceil(total * warmup)
}

/**
 * Factor on the learning rate after `step` completed steps: the rise, then `decay(progress)`, where
 * progress runs from 0 at the end of the warm-up to 1 at `total` and stays there.
 */
export function withWarmup(
  warmup: number,
  decay: (progress: number) => number,
): (step: number, total: number) => number {
  return (step, total) => {
    const rise = warmupSteps(warmup, total)
    if (step < rise) return step / Math.max(1, rise)
    return decay(Math.min(1, (step - rise) / Math.max(1, total - rise)))
  }
}
