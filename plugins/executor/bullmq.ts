/** @file Trials over a BullMQ queue in Redis. */
import { definePlugin } from 'medtune/plugin'

export default definePlugin({
  kind: 'executor',
  name: 'bullmq',
  summary:
    'A queue in Redis, for workers on any machine that reaches it: medtune worker --queue redis://host:6379.',
  options: {
    type: 'object',
    properties: {
      url: {
        type: 'string',
        pattern: '^rediss?://',
        description:
          'Where Redis is; the environment variable MEDTUNE_QUEUE if left out, which also keeps a password out of files.',
      },
      name: {
        type: 'string',
        pattern: '^[A-Za-z0-9_-]+$',
        default: 'medtune',
        description: 'Name of the queue, the same as that of the workers.',
      },
    },
    additionalProperties: false,
  },
  create: (options) => ({
    async open(site) {
      const { BullmqExecutor } = await import('medtune/sweep')
      return BullmqExecutor.open(options, site)
    },
  }),
})
