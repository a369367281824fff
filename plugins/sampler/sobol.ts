/** @file Points that cover the space evenly. */
import { definePlugin } from 'medtune/plugin'
import { sobol } from 'medtune/sweep'

export default definePlugin({
  kind: 'sampler',
  name: 'sobol',
  summary:
    'Points that cover the space evenly: a scrambled Sobol sequence. Best filled to a power of two trials.',
  options: { type: 'object', properties: {}, additionalProperties: false },
  create: () => sobol,
})
