/** @file Full fine-tuning: every weight of the model trains, and the result is a model of its own. */
import { type Adapter, definePlugin } from 'medtune/plugin'

/** What was opened to be asked is not written again. */
const refuseCopy = async (): Promise<never> => {
  throw new Error('this adapter was opened to be asked, not to be written')
}

export default definePlugin({
  kind: 'adapter',
  name: 'full',
  summary: 'Train every weight; writes a complete model folder.',
  options: {
    type: 'object',
    properties: {
      dtype: {
        type: 'string',
        enum: ['bf16', 'f32'],
        default: 'bf16',
        description: 'Type of the weights that are written. Training itself keeps them in float32.',
      },
    },
    additionalProperties: false,
  },
  async create({ dtype }): Promise<Adapter> {
    const { frozenFrom, fullAttachment } = await import('medtune/nn')
    return {
      open: (folder, model) => ({
        trainable: model.parameters,
        targets: model.weights.map(({ name }) => name),
        attachment: frozenFrom(folder, model),
        write: refuseCopy,
      }),
      plan: (model) => ({
        trainable: model.parameters,
        targets: model.weights.map(({ name }) => name),
        attachment: fullAttachment(),
        async write(folder, read) {
          const { writeModelFolder } = await import('medtune/export')
          await writeModelFolder(folder, model, { dtype, values: ({ name }) => read(name) })
        },
      }),
    }
  },
})
