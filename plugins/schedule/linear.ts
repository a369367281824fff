/** @file Schedule `linear`. Falls in a straight line to zero at the last step. */
import { definePlugin } from 'medtune/plugin'
import { warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'linear',
  summary: 'Falls in a straight line to zero at the last step.',
  options: { type: 'object', properties: { warmup: warmupOption }, additionalProperties: false },
  create: (options) => ({
    at: withWarmup(options.warmup, ({ step, warmup, total }) => (total - step) / Math.max(1, total - warmup)),
  }),
})
