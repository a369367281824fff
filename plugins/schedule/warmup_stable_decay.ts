/** @file Schedule `warmup_stable_decay`. Rises, stays at the peak for most of the run, falls at its end. */
import { definePlugin } from 'medtune/plugin'
import { cosineFactor, cyclesOption, stepCount, warmupOption } from './warmup.ts'

const SHAPES = ['linear', 'cosine', '1-sqrt'] as const
type Shape = (typeof SHAPES)[number]

export default definePlugin({
  kind: 'schedule',
  name: 'warmup_stable_decay',
  summary: 'Rises, stays at the peak for most of the run, and falls at its end.',
  options: {
    type: 'object',
    properties: {
      warmup: {
        ...warmupOption,
        description:
          'Steps of rise from min_lr_ratio: a count, or below 1 a fraction of all steps, rounded up.',
      },
      num_decay_steps: {
        type: 'number',
        minimum: 0,
        description: 'Steps of the fall: a count, or below 1 a fraction of all steps, rounded up.',
      },
      num_stable_steps: {
        type: 'integer',
        minimum: 0,
        description: 'Steps at the peak; left out, all but the rise and the fall.',
      },
      warmup_type: { type: 'string', enum: SHAPES, default: 'linear', description: 'Shape of the rise.' },
      decay_type: { type: 'string', enum: SHAPES, default: 'cosine', description: 'Shape of the fall.' },
      min_lr_ratio: {
        type: 'number',
        minimum: 0,
        maximum: 1,
        default: 0,
        description: 'Least rate, as a part of the peak rate.',
      },
      num_cycles: cyclesOption,
    },
    required: ['num_decay_steps'],
    additionalProperties: false,
  },
  create(options) {
    const floored = (factor: number): number =>
      Math.max(0, factor * (1 - options.min_lr_ratio) + options.min_lr_ratio)
    return {
      at(step, total) {
        const warmup = stepCount(options.warmup, total)
        const decay = stepCount(options.num_decay_steps, total)
        const stable = options.num_stable_steps ?? total - warmup - decay
        if (step < warmup) return floored(rise(options.warmup_type, step / warmup))
        if (step < warmup + stable) return 1
        if (step >= warmup + stable + decay) return options.min_lr_ratio
        return floored(fall(options.decay_type, (step - warmup - stable) / decay, options.num_cycles))
      },
    }
  },
})

function rise(shape: Shape, progress: number): number {
  if (shape === 'linear') return progress
  return shape === 'cosine' ? 0.5 * (1 - Math.cos(Math.PI * progress)) : 1 - Math.sqrt(1 - progress)
}

function fall(shape: Shape, progress: number, cycles: number): number {
  if (shape === 'linear') return 1 - progress
  return shape === 'cosine' ? cosineFactor(progress, cycles) : 1 - Math.sqrt(progress)
}
