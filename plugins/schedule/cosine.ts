/** @file Schedule `cosine`. Falls along half a cosine to zero at the last step. */
import { definePlugin } from 'medtune/plugin'
import { cosineFactor, cyclesOption, warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'cosine',
  summary: 'Falls along half a cosine to zero at the last step.',
  options: {
    type: 'object',
    properties: { warmup: warmupOption, num_cycles: cyclesOption },
    additionalProperties: false,
  },
  create: ({ warmup, num_cycles }) => ({
    at: withWarmup(warmup, ({ progress }) => Math.max(0, cosineFactor(progress, num_cycles))),
  }),
})
