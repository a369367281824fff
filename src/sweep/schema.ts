/** @file One JSON Schema (draft-07) for sweep files, put together like the one for recipes. */
import { kindsOf, type OptionSchema } from '../plugin/index.ts'
import type { Registry } from '../plugin/registry.ts'
import { type JsonSchema, NAME_PATTERN, stageProperties, writtenStages } from '../recipe/schema.ts'
import { DISTRIBUTIONS } from './distributions.ts'

const KINDS = kindsOf('sweep')

const TOP: { readonly [key: string]: OptionSchema } = {
  name: {
    type: 'string',
    pattern: NAME_PATTERN,
    description: "Names the sweep folder. The file's own name if left out.",
  },
  recipe: {
    type: 'string',
    minLength: 1,
    description:
      'The recipe that trials change: a path relative to this file, or the name of one that ships.',
  },
  seed: {
    type: 'integer',
    minimum: 0,
    maximum: 4294967295,
    default: 42,
    description: 'Decides what is proposed. Every trial trains with the seed of its recipe.',
  },
  metric: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'goal'],
    properties: {
      name: {
        type: 'string',
        minLength: 1,
        description:
          'What trials are chosen by: holdout.loss, train.loss, or an evaluation of the recipe, alone or with a score (qa, qa.acc_norm).',
      },
      goal: { type: 'string', enum: ['minimize', 'maximize'], description: 'Which end of it is better.' },
      take: {
        type: 'string',
        enum: ['last', 'best'],
        default: 'last',
        description: 'Which value counts where a trial measures it several times.',
      },
      target: { type: 'number', description: 'Once a trial reaches it, no further one is started.' },
    },
  },
  run_cap: {
    type: 'integer',
    minimum: 1,
    description:
      'How many trials there are. Left out, a grid is gone through; other methods need it or time_cap.',
  },
  time_cap: {
    anyOf: [
      { type: 'number', exclusiveMinimum: 0 },
      { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(s|m|h|d)$' },
    ],
    description: 'Seconds, or 90m, 12h, 2d: after that no trial is started; those that run are finished.',
  },
  workers: { type: 'integer', minimum: 1, default: 1, description: 'How many trials run at once.' },
  retries: {
    type: 'integer',
    minimum: 0,
    default: 0,
    description: 'How often a trial that failed is tried again. One whose worker was lost is, regardless.',
  },
  max_failures: {
    type: 'integer',
    minimum: 1,
    description: 'Failed trials in a row after which the sweep gives up; left out, never.',
  },
  lease: {
    type: 'number',
    exclusiveMinimum: 0,
    default: 60,
    description:
      'Seconds without a sign of life after which a worker counts as lost and its trial is given away.',
  },
  plugins: {
    type: 'array',
    items: { type: 'string', minLength: 1 },
    default: [],
    description: 'Third-party samplers, pruners and executors, found from the folder of this file.',
  },
}

/** The keys of one parameter. Which of them go together is said by `distributions.ts`. */
const PARAMETER = {
  type: 'object',
  additionalProperties: false,
  properties: {
    value: { description: 'The one value of every trial.' },
    values: { type: 'array', minItems: 1, description: 'The values to choose from.' },
    probabilities: {
      type: 'array',
      items: { type: 'number', minimum: 0 },
      description: 'How likely each of the values is.',
    },
    min: { type: 'number', description: 'The least value, itself included.' },
    max: { type: 'number', description: 'The greatest value, itself included.' },
    q: { type: 'number', exclusiveMinimum: 0, description: 'The step between values.' },
    distribution: {
      type: 'string',
      description: `One of ${Object.keys(DISTRIBUTIONS).join(', ')}; by the other keys if left out.`,
    },
    when: {
      type: 'object',
      minProperties: 1,
      additionalProperties: true,
      description:
        'Other parameters, each with the value or the values at which this one is part of a trial.',
    },
    parameters: { $ref: '#/definitions/parameters' },
  },
}

/** What a sweep must be after its short forms are expanded; compiled with the plugins that it names. */
export function sweepSchema(registry: Registry, sweep?: unknown): JsonSchema {
  return document(PARAMETER, stageProperties(registry, KINDS, sweep), [
    'name',
    'recipe',
    'metric',
    'parameters',
  ])
}

/** For an editor: a sweep as it is written, with bare names, lists and single values. */
export function sweepEditorSchema(registry: Registry): JsonSchema {
  const distribution = { ...PARAMETER.properties.distribution, enum: Object.keys(DISTRIBUTIONS) }
  const long = { ...PARAMETER, properties: { ...PARAMETER.properties, distribution } }
  const written = {
    anyOf: [long, { type: 'array', minItems: 1 }, { type: ['string', 'number', 'boolean', 'null'] }],
  }
  const required = ['recipe', 'metric', 'parameters']
  return { ...document(written, writtenStages(registry, KINDS), required), title: 'medtune sweep' }
}

function document(
  parameter: object,
  stages: { readonly [key: string]: JsonSchema },
  required: readonly string[],
): { readonly [keyword: string]: unknown } {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    definitions: { parameters: { type: 'object', minProperties: 1, additionalProperties: parameter } },
    type: 'object',
    additionalProperties: false,
    required,
    properties: {
      ...TOP,
      parameters: {
        $ref: '#/definitions/parameters',
      },
      ...stages,
    },
  }
}

/** Keys of a sweep by where they stand, for hints on a key at the wrong depth. */
export function sweepKeys(): ReadonlyMap<string, readonly string[]> {
  const metric = TOP.metric as { readonly properties: object }
  return new Map([
    ...Object.keys(metric.properties).map((key) => [key, [`metric.${key}`]] as const),
    ...[...Object.keys(TOP), 'parameters', 'method', 'early_terminate', 'executor'].map(
      (key) => [key, [key]] as const,
    ),
  ])
}
