/** @file Which key of a recipe each kind of plugin answers for, and what every plugin of a kind accepts beside its own options. */
import type { StageKind } from './contract.ts'
import type { OptionSchema } from './options.ts'

export interface StageShape {
  /** The recipe's key for this kind. */
  readonly key: string
  /** A list of plugins, or exactly one. */
  readonly many: boolean
  /** What a recipe that leaves the key out gets; undefined where it must be there. */
  readonly fallback: unknown
  /** Options that the engine itself reads from every plugin of the kind. */
  readonly common: { readonly [name: string]: OptionSchema }
  readonly summary: string
}

export const STAGES: { readonly [K in StageKind]: StageShape } = {
  model: { key: 'model', many: false, fallback: undefined, common: {}, summary: 'The model to start from.' },
  dataset: {
    key: 'dataset',
    many: false,
    fallback: undefined,
    common: {
      holdout: {
        type: 'number',
        minimum: 0,
        default: 0,
        description: 'Rows kept out of training: a count, or below 1 a fraction.',
      },
      limit: { type: 'integer', minimum: 1, description: 'Read at most this many rows.' },
    },
    summary: 'Where the rows come from.',
  },
  template: {
    key: 'template',
    many: false,
    fallback: undefined,
    common: {},
    summary: 'How a row becomes text.',
  },
  adapter: { key: 'adapter', many: false, fallback: { use: 'lora' }, common: {}, summary: 'What trains.' },
  optimizer: {
    key: 'optimizer',
    many: false,
    fallback: { use: 'adamw' },
    common: {},
    summary: 'How parameters change.',
  },
  schedule: {
    key: 'schedule',
    many: false,
    fallback: { use: 'linear' },
    common: {},
    summary: 'How the learning rate changes.',
  },
  eval: {
    key: 'eval',
    many: true,
    fallback: [],
    common: {
      name: {
        type: 'string',
        pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$',
        description: "Name in reports; the plugin's own name if left out.",
      },
    },
    summary: 'What is measured, on the base and the tuned model.',
  },
  tracker: {
    key: 'trackers',
    many: true,
    fallback: [],
    common: {},
    summary: 'Where events go beside the run folder.',
  },
  export: { key: 'exports', many: true, fallback: [], common: {}, summary: 'What is written at the end.' },
  compute: {
    key: 'compute',
    many: false,
    fallback: { use: 'onnxruntime' },
    common: {},
    summary: 'What computes.',
  },
}
