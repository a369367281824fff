/** @file Schedule `cosine_with_min_lr`. Falls along half a cosine to a least rate. */
import { definePlugin, OptionError } from 'medtune/plugin'
import { cosineFactor, cyclesOption, warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'cosine_with_min_lr',
  summary: 'Falls along half a cosine to a least rate: give min_lr or min_lr_rate.',
  options: {
    type: 'object',
    properties: {
      warmup: warmupOption,
      num_cycles: cyclesOption,
      min_lr: { type: 'number', minimum: 0, description: 'Learning rate at the last step.' },
      min_lr_rate: {
        type: 'number',
        minimum: 0,
        maximum: 1,
        description: 'The same as a part of the peak rate.',
      },
    },
    additionalProperties: false,
  },
  create({ warmup, num_cycles, min_lr, min_lr_rate }) {
    const floorOf = leastFactor(min_lr, min_lr_rate)
    const decay = withWarmup(warmup, ({ progress, lr }) => {
      const floor = floorOf(lr)
      return Math.max(0, cosineFactor(progress, num_cycles) * (1 - floor) + floor)
    })
    return {
      at(step, total, lr) {
        if (min_lr !== undefined && min_lr > lr) {
          throw new OptionError('min_lr', `is ${min_lr}, more than the peak rate optimizer.lr (${lr})`)
        }
        return decay(step, total, lr)
      },
    }
  },
})

/** The least factor for a peak rate: one of the two options must say it. */
function leastFactor(rate: number | undefined, part: number | undefined): (lr: number) => number {
  if (rate !== undefined && part !== undefined) {
    throw new OptionError('min_lr_rate', 'does not go with "min_lr"; give one of the two')
  }
  if (rate !== undefined) return (lr) => rate / lr
  if (part !== undefined) return () => part
  throw new OptionError('', 'needs "min_lr" or "min_lr_rate"')
}
