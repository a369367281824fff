/** @file Asynchronous successive halving. */
import { definePlugin } from 'medtune/plugin'
import { asha } from 'medtune/sweep'

export default definePlugin({
  kind: 'pruner',
  name: 'asha',
  summary: 'At step min_step, eta times that, and so on, only the best of those that came as far go on.',
  options: {
    type: 'object',
    properties: {
      min_step: { type: 'integer', minimum: 1, description: 'The first step at which trials are compared.' },
      eta: { type: 'number', minimum: 1.5, default: 3, description: 'One in eta goes on.' },
    },
    required: ['min_step'],
    additionalProperties: false,
  },
  create: asha,
})
