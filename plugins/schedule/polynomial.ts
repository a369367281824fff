/** @file Schedule `polynomial`. Falls along a power of what is left to a last rate. */
import { definePlugin, OptionError } from 'medtune/plugin'
import { warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'polynomial',
  summary: 'Falls along a power of the part of the run that is left, to a last rate.',
  options: {
    type: 'object',
    properties: {
      warmup: warmupOption,
      lr_end: {
        type: 'number',
        minimum: 0,
        default: 1e-7,
        description: 'Learning rate at the last step; below optimizer.lr.',
      },
      power: { type: 'number', exclusiveMinimum: 0, default: 1, description: 'Power of the part left.' },
    },
    additionalProperties: false,
  },
  create({ warmup, lr_end, power }) {
    const decay = withWarmup(
      warmup,
      ({ progress, lr }) => ((lr - lr_end) * (1 - progress) ** power + lr_end) / lr,
    )
    return {
      at(step, total, lr) {
        if (lr_end >= lr) {
          throw new OptionError('lr_end', `is ${lr_end}, not below the peak rate optimizer.lr (${lr})`)
        }
        return decay(step, total, lr)
      },
    }
  },
})
