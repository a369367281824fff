/** @file Trials as processes of this machine. */
import { definePlugin } from 'medtune/plugin'
import { LocalExecutor } from 'medtune/sweep'

export default definePlugin({
  kind: 'executor',
  name: 'local',
  summary: 'Processes of this machine; several share its cores evenly.',
  options: {
    type: 'object',
    properties: {
      cpus: {
        type: 'integer',
        minimum: 0,
        default: 0,
        description: 'Cores of one trial; 0 shares them out among the workers.',
      },
      gpus: {
        type: 'array',
        items: { type: 'integer', minimum: 0 },
        default: [],
        description: 'Numbers of the GPUs to share out, one a trial (CUDA_VISIBLE_DEVICES).',
      },
    },
    additionalProperties: false,
  },
  create: (options) => ({ open: async (site) => new LocalExecutor(options, site) }),
})
