/** @file ONNX Runtime on the CPU: portable, fp32. */
import { availableParallelism } from 'node:os'
import { definePlugin } from 'medtune/plugin'

export default definePlugin({
  kind: 'compute',
  name: 'onnxruntime',
  summary: 'ONNX Runtime on the CPU, in fp32.',
  options: {
    type: 'object',
    properties: {
      threads: {
        type: 'integer',
        minimum: 0,
        default: 0,
        description: 'Threads of one operator; 0: one a core.',
      },
      prepack: {
        type: 'boolean',
        default: false,
        description:
          'Keep packed copies of the weights: faster, about twice the memory of the weights more. Generation always does, with about the embedding more.',
      },
      arena: {
        type: 'boolean',
        default: true,
        description: 'Keep freed memory for the next step: faster, more memory.',
      },
    },
    additionalProperties: false,
  },
  create: (options) => ({
    precisions: ['fp32'],
    auto: 'fp32',
    threads: options.threads === 0 ? availableParallelism() : options.threads,
    async open() {
      const { OnnxExecutor } = await import('medtune/compute/onnx')
      return new OnnxExecutor({ ...options, provider: 'cpu' })
    },
    async memory(program) {
      const { programMemory } = await import('medtune/compute/onnx')
      return programMemory(program, options)
    },
  }),
})
