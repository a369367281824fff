/** @file Schedule `inverse_sqrt`. Falls as one over the square root of the steps; it does not know the last one. */
import { definePlugin } from 'medtune/plugin'
import { warmupOption, withWarmup } from './warmup.ts'

/** Timescale of a run without a warm-up. */
const TIMESCALE = 10_000

export default definePlugin({
  kind: 'schedule',
  name: 'inverse_sqrt',
  summary: 'Falls as one over the square root of the steps.',
  options: {
    type: 'object',
    properties: {
      warmup: warmupOption,
      timescale: {
        type: 'integer',
        minimum: 1,
        description: 'Steps after which the fall sets in; the warm-up if left out, 10000 without one.',
      },
    },
    additionalProperties: false,
  },
  create: (options) => ({
    at: withWarmup(options.warmup, ({ step, warmup }) => {
      const timescale = options.timescale ?? (warmup || TIMESCALE)
      return 1 / Math.sqrt((step + timescale - warmup) / timescale)
    }),
  }),
})
