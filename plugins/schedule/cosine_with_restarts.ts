/** @file Schedule `cosine_with_restarts`. Falls along half a cosine several times, from the peak each time. */
import { definePlugin } from 'medtune/plugin'
import { cosineFactor, warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'cosine_with_restarts',
  summary: 'Falls along half a cosine several times, each time from the peak.',
  options: {
    type: 'object',
    properties: {
      warmup: warmupOption,
      num_cycles: { type: 'integer', minimum: 1, default: 1, description: 'How often it falls.' },
    },
    additionalProperties: false,
  },
  create: ({ warmup, num_cycles }) => ({
    at: withWarmup(warmup, ({ progress }) =>
      progress >= 1 ? 0 : Math.max(0, cosineFactor((num_cycles * progress) % 1, 0.5)),
    ),
  }),
})
