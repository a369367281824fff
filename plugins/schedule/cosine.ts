/** @file Schedule `cosine`. Falls along half a cosine to zero at the last step. */
import { definePlugin } from 'medtune/plugin'
import { warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'cosine',
  summary: 'Falls along half a cosine to zero at the last step.',
  options: { type: 'object', properties: { warmup: warmupOption }, additionalProperties: false },
  create: ({ warmup }) => ({
    at: withWarmup(warmup, (progress) => 0.5 * (1 + Math.cos(Math.PI * progress))),
  }),
})
