/** @file The median stopping rule. */
import { definePlugin } from 'medtune/plugin'
import { median } from 'medtune/sweep'

export default definePlugin({
  kind: 'pruner',
  name: 'median',
  summary:
    'Ends a trial whose best value so far is worse than the median of what the others had by that step.',
  options: {
    type: 'object',
    properties: {
      warmup: { type: 'integer', minimum: 0, default: 0, description: 'Steps that every trial may take.' },
      startup: {
        type: 'integer',
        minimum: 1,
        default: 5,
        description: 'Trials that must have come as far before one is ended.',
      },
    },
    additionalProperties: false,
  },
  create: median,
})
