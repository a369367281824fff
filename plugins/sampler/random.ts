/** @file Every trial drawn by itself. */
import { definePlugin } from 'medtune/plugin'
import { random } from 'medtune/sweep'

export default definePlugin({
  kind: 'sampler',
  name: 'random',
  summary: 'Every trial drawn by itself.',
  options: { type: 'object', properties: {}, additionalProperties: false },
  create: () => random,
})
