/** @file Schedule `constant`. Stays at the peak after the warm-up. */
import { definePlugin } from 'medtune/plugin'
import { warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'constant',
  summary: 'Stays at the peak after the warm-up.',
  options: { type: 'object', properties: { warmup: warmupOption }, additionalProperties: false },
  create: ({ warmup }) => ({ at: withWarmup(warmup, () => 1) }),
})
