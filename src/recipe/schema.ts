/** @file One JSON Schema (draft-07) for recipes, put together from the plugins' own option schemas. */
import {
  kindsOf,
  type OptionSchema,
  type OptionsSchema,
  type Plugin,
  STAGES,
  type StageKind,
} from '../plugin/index.ts'
import type { Registry } from '../plugin/registry.ts'

export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

export const NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]*$'

/** A number of bytes in words: 4GB, 512 MiB. */
export const MEMORY_PATTERN = '^[0-9]+(\\.[0-9]+)? ?([KMGT]i?)?B$'

/** Options of `train:`; their types are `TrainOptions`. */
const TRAIN: { readonly [name: string]: OptionSchema } = {
  epochs: { type: 'number', exclusiveMinimum: 0, default: 1, description: 'Passes over the training rows.' },
  steps: { type: 'integer', minimum: 1, description: 'Optimizer steps; set, it decides instead of epochs.' },
  batch_size: {
    type: 'integer',
    minimum: 1,
    default: 8,
    description: 'Rows of a batch; packed, a row holds several documents.',
  },
  accumulate: {
    type: 'integer',
    minimum: 1,
    default: 1,
    description: 'Batches whose gradients make one optimizer step.',
  },
  max_length: { type: 'integer', minimum: 2, default: 1024, description: 'Longest row in tokens.' },
  over_length: {
    type: 'string',
    enum: ['drop', 'truncate', 'error'],
    default: 'truncate',
    description: 'What happens to a document longer than max_length.',
  },
  pack: {
    type: 'boolean',
    default: true,
    description: 'Put several short documents into one row, isolated from one another.',
  },
  clip: {
    type: 'number',
    minimum: 0,
    default: 1,
    description: 'Largest global gradient norm; 0 does not clip.',
  },
  precision: {
    type: 'string',
    enum: ['auto', 'fp32', 'bf16'],
    default: 'auto',
    description: 'Precision of products.',
  },
  shuffle: { type: 'boolean', default: true, description: 'A new order of rows each epoch, from the seed.' },
  order: {
    type: 'string',
    enum: ['stream', 'whole'],
    default: 'stream',
    description:
      'How more than 1000 rows are shuffled: stream a thousand at a time, so that training starts at once; whole all together, as TRL does, once all are tokenised.',
  },
  on_nonfinite: {
    type: 'string',
    enum: ['stop', 'skip', 'rollback'],
    default: 'stop',
    description:
      'What happens where a loss or gradient is no number: stop fails, skip passes over the step, rollback also returns to the last checkpoint.',
  },
  nonfinite_limit: {
    type: 'integer',
    minimum: 1,
    default: 10,
    description: 'Steps that on_nonfinite may pass over within 100 steps; one more fails.',
  },
  memory: {
    type: 'string',
    pattern: MEMORY_PATTERN,
    description:
      'What the whole process may take, such as 4GB; most of the free memory if left out. Where a batch does not fit, it is cut into smaller ones, with as many rows to an optimizer step as before.',
  },
  recompute: {
    anyOf: [{ type: 'boolean' }, { type: 'string', enum: ['auto'] }],
    default: 'auto',
    description:
      'Compute the activations of a layer again in the backward pass instead of keeping them: much less memory, more time, the same numbers. auto does where one row at a time does not fit otherwise.',
  },
  eval_every: {
    type: 'integer',
    minimum: 1,
    description: 'Optimizer steps between holdout losses; left out, only before and after.',
  },
  eval_rows: {
    type: 'integer',
    minimum: 1,
    description: 'Held-out rows that eval_every takes the loss over, evenly spread; all if left out.',
  },
}

/** Options of `early_stopping:`; their types are `EarlyStopping`. */
const EARLY_STOPPING: { readonly [name: string]: OptionSchema } = {
  metric: {
    type: 'string',
    minLength: 1,
    default: 'holdout.loss',
    description:
      'What decides: holdout.loss, train.loss, or an evaluation that has every, alone or with a score (qa, qa.acc_norm).',
  },
  goal: {
    type: 'string',
    enum: ['minimize', 'maximize'],
    description: 'Which end of it is better; left out, what the evaluation itself says.',
  },
  patience: {
    type: 'integer',
    minimum: 1,
    description:
      'Measurements in a row without improvement after which training ends; left out, it goes on to the end.',
  },
  min_delta: {
    type: 'number',
    minimum: 0,
    default: 0,
    description: 'How much better than the best so far counts as an improvement.',
  },
}

/** Options of `checkpoint:`; their types are `CheckpointOptions`. */
const CHECKPOINT: { readonly [name: string]: OptionSchema } = {
  every: { type: 'integer', minimum: 1, description: 'Optimizer steps between two checkpoints.' },
  minutes: {
    type: 'number',
    minimum: 0,
    default: 10,
    description: 'Minutes between two checkpoints; 0: none by time.',
  },
  keep: {
    type: 'integer',
    minimum: 0,
    default: 2,
    description: 'Checkpoints that are kept, the last ones and beside them the best; 0: none are made.',
  },
}

/** Options of `samples:`; their types are `SampleOptions`. */
const SAMPLES: { readonly [name: string]: OptionSchema } = {
  every: {
    type: 'integer',
    minimum: 1,
    description:
      'Optimizer steps between two rounds; left out, only before the first step and after the last.',
  },
  prompts: {
    type: 'array',
    minItems: 1,
    items: { type: 'string', minLength: 1 },
    description: "What the model is asked, through the recipe's template.",
  },
  max_tokens: { type: 'integer', minimum: 1, default: 128, description: 'Most tokens of an answer.' },
}

const TOP: { readonly [key: string]: OptionSchema } = {
  name: {
    type: 'string',
    pattern: NAME_PATTERN,
    description: 'Names the run folder: letters, digits, ".", "_" and "-". The file\'s own name if left out.',
  },
  seed: {
    type: 'integer',
    minimum: 0,
    maximum: 4294967295,
    default: 42,
    description: 'Decides every random choice.',
  },
  plugins: {
    type: 'array',
    items: { type: 'string', minLength: 1 },
    default: [],
    description:
      'Third-party plugins: npm packages or paths (./metric.js), found from the folder of this recipe.',
  },
}

const KINDS = kindsOf('recipe')

/**
 * What a recipe must be after `extends`, short forms and overrides: ajv checks with it and fills the defaults in.
 * With `recipe`, only the plugins it names have their options in the schema: compiling all of them takes longer
 * than the rest of a check.
 */
export function recipeSchema(registry: Registry, recipe?: unknown): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    additionalProperties: false,
    required: ['name', ...KINDS.filter((kind) => !STAGES[kind].many).map((kind) => STAGES[kind].key)],
    properties: {
      ...TOP,
      ...stageProperties(registry, KINDS, recipe),
      train: { type: 'object', additionalProperties: false, default: {}, properties: TRAIN },
      checkpoint: { type: 'object', additionalProperties: false, default: {}, properties: CHECKPOINT },
      early_stopping: { type: 'object', additionalProperties: false, properties: EARLY_STOPPING },
      samples: {
        type: 'object',
        additionalProperties: false,
        description: 'Fixed prompts that the model answers while it learns; the answers are events.',
        required: ['prompts'],
        properties: SAMPLES,
      },
    },
  }
}

/** The keys that hold plugins of these kinds: in the long form, with the options of the plugins that `document` names. */
export function stageProperties(
  registry: Registry,
  kinds: readonly StageKind[],
  document?: unknown,
): { readonly [key: string]: JsonSchema } {
  const stages = kinds.map((kind) => {
    const named = document === undefined ? undefined : namedIn(document, kind)
    return [STAGES[kind].key, stageOrList(kind, stageSchema(registry, kind, named))] as const
  })
  return Object.fromEntries(stages)
}

/** The same as they are written: bare names too, and stages that leave `use` to what stands below. */
export function writtenStages(
  registry: Registry,
  kinds: readonly StageKind[],
): { readonly [key: string]: JsonSchema } {
  return Object.fromEntries(
    kinds.map((kind) => [STAGES[kind].key, stageOrList(kind, writtenStage(registry, kind))] as const),
  )
}

/**
 * The schema for an editor: a recipe as it is written, so with `extends`, with stages as bare names, and
 * with stages that leave `use` to the recipe below.
 */
export function editorSchema(registry: Registry): JsonSchema {
  const schema = recipeSchema(registry) as { readonly properties: Record<string, JsonSchema> }
  const name = { type: 'string', minLength: 1 }
  return {
    ...schema,
    title: 'medtune recipe',
    required: [],
    anyOf: [
      { required: ['extends'] },
      { required: KINDS.filter(isRequired).map((kind) => STAGES[kind].key) },
    ],
    properties: {
      extends: {
        description:
          'Recipes below this one: a path relative to this file, or the name of one that ships with medtune.',
        anyOf: [name, { type: 'array', items: name }],
      },
      ...schema.properties,
      ...writtenStages(registry, KINDS),
    },
  }
}

/** The names a recipe may hold below each of its parts, for hints on a key at the wrong depth. */
export function knownKeys(registry: Registry, recipe: unknown): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>()
  const add = (key: string, path: string) => places.set(key, [...(places.get(key) ?? []), path])
  for (const key of Object.keys(TRAIN)) add(key, `train.${key}`)
  for (const key of Object.keys(CHECKPOINT)) add(key, `checkpoint.${key}`)
  for (const key of Object.keys(EARLY_STOPPING)) add(key, `early_stopping.${key}`)
  for (const key of Object.keys(SAMPLES)) add(key, `samples.${key}`)
  for (const kind of KINDS.filter((entry) => !STAGES[entry].many)) {
    const name = (recipe as Record<string, { use?: unknown } | undefined>)[STAGES[kind].key]?.use
    if (typeof name !== 'string' || !registry.has(kind, name)) continue
    const own = Object.keys(registry.get(kind, name).options.properties)
    for (const key of [...Object.keys(STAGES[kind].common), ...own]) add(key, `${STAGES[kind].key}.${key}`)
  }
  for (const key of [
    ...Object.keys(TOP),
    'train',
    'checkpoint',
    'early_stopping',
    'samples',
    'extends',
    ...KINDS.map((kind) => STAGES[kind].key),
  ])
    add(key, key)
  return places
}

/**
 * The schema of a YAML file of a plugin's own. A key that a recipe has too, such as `dataset`, means the same in it.
 * @param value the file as read: only the plugins that it names have their options in the schema
 */
export function ownFileSchema(registry: Registry, own: OptionsSchema, value: unknown): JsonSchema {
  const shared = kindsOf('recipe')
    .filter((kind) => Object.hasOwn(own.properties, STAGES[kind].key))
    .map((kind) => {
      const stage = stageSchema(registry, kind, namedIn(value, kind))
      return [STAGES[kind].key, stageOrList(kind, stage)] as const
    })
  return { ...own, properties: { ...own.properties, ...Object.fromEntries(shared) } }
}

function isRequired(kind: StageKind): boolean {
  return STAGES[kind].fallback === undefined
}

function stageOrList(kind: StageKind, stage: JsonSchema): JsonSchema {
  const description = STAGES[kind].summary
  if (STAGES[kind].many) return { type: 'array', description, default: [], items: stage }
  return typeof stage === 'boolean' ? stage : { description, ...stage }
}

/** A stage in its long form. `false`, which nothing matches, where no plugin of the kind is at hand. */
function stageSchema(registry: Registry, kind: StageKind, named?: ReadonlySet<unknown>): JsonSchema {
  const plugins = registry.of(kind)
  if (plugins.length === 0) return false
  return {
    type: 'object',
    required: ['use'],
    discriminator: { propertyName: 'use' },
    oneOf: plugins.map((plugin) =>
      named === undefined || named.has(plugin.name) ? pluginSchema(plugin, kind) : nameOnly(plugin),
    ),
  }
}

/** A plugin that the recipe does not name: known, so that a wrong name can be told the right ones. */
function nameOnly(plugin: Plugin): JsonSchema {
  return { required: ['use'], properties: { use: { const: plugin.name } } }
}

/** What the stages of a kind give as their `use`. */
function namedIn(recipe: unknown, kind: StageKind): ReadonlySet<unknown> {
  const stage = (recipe as Record<string, unknown> | null)?.[STAGES[kind].key]
  return new Set([stage].flat().map((one) => (one as { readonly use?: unknown } | null | undefined)?.use))
}

function pluginSchema(plugin: Plugin, kind: StageKind): JsonSchema {
  return {
    title: plugin.name,
    description: plugin.summary,
    additionalProperties: false,
    required: ['use', ...(plugin.options.required ?? [])],
    properties: { use: { const: plugin.name }, ...STAGES[kind].common, ...plugin.options.properties },
  }
}

function writtenStage(registry: Registry, kind: StageKind): JsonSchema {
  const stage = stageSchema(registry, kind)
  if (typeof stage === 'boolean') return stage
  const { discriminator: _, ...long } = stage
  const plugins = registry.of(kind)
  const bare = { enum: plugins.map((plugin) => plugin.name) }
  const options = [
    ...Object.keys(STAGES[kind].common),
    ...plugins.flatMap((plugin) => Object.keys(plugin.options.properties)),
  ]
  const partial = {
    type: 'object',
    not: { required: ['use'] },
    propertyNames: { enum: [...new Set(options)] },
  }
  return { anyOf: [bare, long, partial] }
}
