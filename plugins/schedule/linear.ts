/** @file Schedule `linear`. Falls in a straight line to zero at the last step. */
import { definePlugin } from 'medtune/plugin'
import { warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'linear',
  summary: 'Falls in a straight line to zero at the last step.',
  options: { type: 'object', properties: { warmup: warmupOption }, additionalProperties: false },
  create: ({ warmup }) => ({ at: withWarmup(warmup, (progress) => 1 - progress) }),
})
