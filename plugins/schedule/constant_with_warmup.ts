/** @file Schedule `constant_with_warmup`. The name by which transformers knows `constant` with a warm-up. */
import { definePlugin } from 'medtune/plugin'
import { warmupOption, withWarmup } from './warmup.ts'

export default definePlugin({
  kind: 'schedule',
  name: 'constant_with_warmup',
  summary: 'Stays at the peak after the warm-up: another name of constant.',
  options: { type: 'object', properties: { warmup: warmupOption }, additionalProperties: false },
  create: ({ warmup }) => ({ at: withWarmup(warmup, () => 1) }),
})
