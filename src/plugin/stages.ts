/** @file Which key of a recipe or a sweep each kind of plugin answers for, and what every plugin of a kind accepts beside its own options. */
import type { StageKind } from './contract.ts'
import type { OptionSchema } from './options.ts'

/** The files that users write. */
export type DocumentKind = 'recipe' | 'sweep'

export interface StageShape {
  /** The file that names plugins of this kind. */
  readonly of: DocumentKind
  /** The file's key for this kind. No two kinds share one. */
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
  model: {
    of: 'recipe',
    key: 'model',
    many: false,
    fallback: undefined,
    common: {},
    summary: 'The model to start from.',
  },
  dataset: {
    of: 'recipe',
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
      decontaminate: {
        type: 'string',
        enum: ['warn', 'drop', 'off'],
        default: 'warn',
        description:
          'Rows that contain an item of an evaluation: tell of them, leave them out of training, or do not look.',
      },
    },
    summary: 'Where the rows come from.',
  },
  template: {
    of: 'recipe',
    key: 'template',
    many: false,
    fallback: undefined,
    common: {},
    summary: 'How a row becomes text.',
  },
  adapter: {
    of: 'recipe',
    key: 'adapter',
    many: false,
    fallback: { use: 'lora' },
    common: {},
    summary: 'What trains.',
  },
  optimizer: {
    of: 'recipe',
    key: 'optimizer',
    many: false,
    fallback: { use: 'adamw' },
    common: {},
    summary: 'How parameters change.',
  },
  schedule: {
    of: 'recipe',
    key: 'schedule',
    many: false,
    fallback: { use: 'linear' },
    common: {},
    summary: 'How the learning rate changes.',
  },
  eval: {
    of: 'recipe',
    key: 'eval',
    many: true,
    fallback: [],
    common: {
      name: {
        type: 'string',
        pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$',
        description: "Name in reports; the plugin's own name if left out.",
      },
      every: {
        type: 'integer',
        minimum: 1,
        description:
          'Optimizer steps between two measurements while training goes on; left out, only before and after.',
      },
    },
    summary: 'What is measured, on the base and the tuned model.',
  },
  tracker: {
    of: 'recipe',
    key: 'trackers',
    many: true,
    fallback: [],
    common: {},
    summary: 'Where events go beside the run folder.',
  },
  export: {
    of: 'recipe',
    key: 'exports',
    many: true,
    fallback: [],
    common: {},
    summary: 'What is written at the end.',
  },
  compute: {
    of: 'recipe',
    key: 'compute',
    many: false,
    fallback: { use: 'onnxruntime' },
    common: {},
    summary: 'What computes.',
  },
  sampler: {
    of: 'sweep',
    key: 'method',
    many: false,
    fallback: { use: 'tpe' },
    common: {},
    summary: 'How the values of a trial are chosen.',
  },
  pruner: {
    of: 'sweep',
    key: 'early_terminate',
    many: false,
    fallback: { use: 'none' },
    common: {
      metric: {
        type: 'string',
        minLength: 1,
        description: 'What is watched while a trial trains; metric.name if left out.',
      },
    },
    summary: 'When a trial is ended early.',
  },
  executor: {
    of: 'sweep',
    key: 'executor',
    many: false,
    fallback: { use: 'local' },
    common: {},
    summary: 'Where trials run.',
  },
}

/** The kinds of plugins that a file may name, in the order of `STAGES`. */
export function kindsOf(document: DocumentKind): readonly StageKind[] {
  return (Object.keys(STAGES) as StageKind[]).filter((kind) => STAGES[kind].of === document)
}
