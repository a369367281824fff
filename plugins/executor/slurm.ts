/** @file Trials on a Slurm cluster. */
import { definePlugin } from 'medtune/plugin'

export default definePlugin({
  kind: 'executor',
  name: 'slurm',
  summary:
    'Tasks of a Slurm cluster whose nodes share the sweep folder: one for each trial, or a few long-lived ones where the sampler learns.',
  options: {
    type: 'object',
    properties: {
      partition: {
        type: 'string',
        minLength: 1,
        description: 'As sbatch takes it; so are account, qos and time.',
      },
      account: { type: 'string', minLength: 1, description: 'Whom the time is charged to.' },
      qos: { type: 'string', minLength: 1, description: 'The quality of service.' },
      time: {
        type: 'string',
        pattern: '^[0-9]+([-:][0-9]+)*$',
        description: 'The time limit of a task, such as 4:00:00.',
      },
      cpus: { type: 'integer', minimum: 1, default: 1, description: 'Cores of a task.' },
      memory: { type: 'string', pattern: '^[0-9]+[KMGT]?$', description: 'Memory of a task, such as 16G.' },
      gpus: { type: 'integer', minimum: 0, default: 0, description: 'GPUs of a task.' },
      sbatch: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        default: [],
        description: 'Further arguments of sbatch: [--constraint=a100].',
      },
      setup: {
        type: 'array',
        items: { type: 'string' },
        default: [],
        description: 'Lines of the shell that a task begins with: [module load nodejs].',
      },
      warn: {
        type: 'integer',
        minimum: 1,
        default: 120,
        description: 'Seconds before the time limit at which a trial writes a checkpoint and stops.',
      },
      interval: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 15,
        description: 'Seconds between two questions to the scheduler.',
      },
      idle: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 300,
        description: 'Seconds without work after which a long-lived task gives its place back.',
      },
    },
    additionalProperties: false,
  },
  create: (options) => ({
    async open(site) {
      const { SlurmExecutor } = await import('medtune/sweep')
      return SlurmExecutor.open(options, site)
    },
  }),
})
