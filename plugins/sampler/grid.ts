/** @file Every combination once. */
import { definePlugin } from 'medtune/plugin'
import { grid } from 'medtune/sweep'

export default definePlugin({
  kind: 'sampler',
  name: 'grid',
  summary: 'Every combination of the values once, in order; the last parameter changes fastest.',
  options: { type: 'object', properties: {}, additionalProperties: false },
  create: () => grid,
})
