/** @file What a task file may say, and what it comes to once its patterns are parsed. */
import type { YamlFile } from '../../plugin/contract.ts'
import type { OptionsSchema } from '../../plugin/options.ts'
import type { HalfRule } from './half.ts'
import { PatternError, parseTaskPattern, type TaskPattern } from './pattern.ts'

export const METRICS = ['acc', 'acc_norm', 'exact_match', 'f1', 'rouge_l'] as const
export type MetricName = (typeof METRICS)[number]

export const RULES = ['strict', 'flexible'] as const
export type RuleName = (typeof RULES)[number]

const text = (description: string) => ({ type: 'string', minLength: 1, description }) as const
const anyText = (description: string) => ({ type: 'string', description }) as const

/** `dataset` is a stage, as in a recipe. */
export const TASK_SCHEMA = {
  type: 'object',
  properties: {
    summary: text('What the task is, in a line.'),
    tasks: {
      type: 'array',
      minItems: 1,
      items: text('A task.'),
      description:
        'Makes the file a group: the tasks in it, as names or paths. Nothing else but a summary goes with it.',
    },
    dataset: {
      type: 'object',
      properties: {},
      additionalProperties: false,
      description: 'Where the items are, as in a recipe.',
    },
    ids: text(
      'A file with the ids of the items to ask: a JSON list, an object by its keys, or an id a line.',
    ),
    other_columns: {
      type: 'object',
      additionalProperties: { type: 'string', minLength: 1 },
      description:
        'Tasks that read the same questions from files with other columns, and which files these are.',
    },
    half: {
      type: 'object',
      properties: {
        by: text('Column whose values are halved one by one.'),
        values: {
          type: 'array',
          minItems: 1,
          items: text('A value.'),
          description: 'The values, in the order in which they are halved.',
        },
        seed: { type: 'integer', minimum: 0, default: 0, description: "Seed of Python's random." },
        rows: text(
          'SHA-256 of all rows, each as its id, a tab and its value, joined by line breaks: other rows are all asked.',
        ),
      },
      required: ['by', 'values', 'rows'],
      additionalProperties: false,
      description:
        'Asks the second half of the rows of each value, shuffled: the test set of authors who drew it so.',
    },
    id: text('Column with the name of an item; its number if left out.'),
    cluster: text('Column with what items share, such as a passage: they then count as one draw.'),
    ask: {
      type: 'string',
      enum: ['likelihood', 'generate'],
      default: 'likelihood',
      description: 'Take the likeliest choice, or let the model write and read its answer.',
    },
    system: anyText('Stands before the prompt: as system text with a chat template, else as it is.'),
    prompt: text('The question; {column} is filled in.'),
    choices: {
      anyOf: [
        { type: 'array', items: text('A choice.'), minItems: 2 },
        { type: 'string', minLength: 1 },
      ],
      description: 'What is scored behind the prompt: a list of patterns, or the column with a list.',
    },
    options: {
      anyOf: [
        { type: 'array', items: text('An option.'), minItems: 2 },
        { type: 'string', minLength: 1 },
      ],
      description:
        'The texts behind the choices, where these are letters: patterns, or the column with a list.',
    },
    answer: text('Column with the right choice: its number, or its text.'),
    answer_from: {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: 'The number of the first choice in that column.',
    },
    target: text('The right text, for a task without choices.'),
    delimiter: anyText(
      'What stands between prompt and choice; " " if left out. A chat turn has nothing there.',
    ),
    metrics: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', enum: METRICS },
      description:
        'The first is the headline: acc and acc_norm with choices, exact_match, f1 and rouge_l with a target.',
    },
    rules: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', enum: RULES },
      description: 'How a choice is read from what the model wrote; the first is the headline.',
    },
    generate: {
      type: 'object',
      properties: {
        max_tokens: { type: 'integer', minimum: 1, default: 512, description: 'Most tokens of an answer.' },
        temperature: { type: 'number', minimum: 0, default: 0, description: '0 takes the likeliest token.' },
        top_k: { type: 'integer', minimum: 0, default: 0, description: 'Draw among so many; 0: among all.' },
        top_p: {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 1,
          default: 1,
          description: 'Draw among the likeliest up to this probability.',
        },
        samples: {
          type: 'integer',
          minimum: 1,
          default: 1,
          description: 'Answers to each question; the most frequent choice counts.',
        },
        stop: {
          type: 'array',
          items: text('A text.'),
          default: [],
          description: 'Texts that end an answer.',
        },
      },
      additionalProperties: false,
      description: 'How the model writes.',
    },
    fewshot: {
      type: 'object',
      properties: {
        dataset: {
          type: 'object',
          additionalProperties: { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
          description: 'Options of the dataset that differ where the examples are, such as { split: train }.',
        },
        sampler: {
          type: 'string',
          enum: ['random', 'first'],
          default: 'random',
          description: 'Other examples for each question, or the first ones for all.',
        },
        seed: { type: 'integer', minimum: 0, default: 1234, description: 'Decides which are drawn.' },
      },
      additionalProperties: false,
      description: 'Where examples come from, for those who ask for some.',
    },
    contamination: text('What training rows are searched for; the prompt if left out.'),
  },
  additionalProperties: false,
} as const satisfies OptionsSchema

/** One task, its patterns parsed. */
export interface TaskDefinition {
  readonly file: YamlFile
  readonly name: string
  readonly ask: 'likelihood' | 'generate'
  readonly id?: string
  readonly cluster?: string
  readonly ids?: string
  readonly half?: HalfRule
  /** Name of a task -> the files with other columns that it reads, named where a column is missing. */
  readonly other_columns?: Readonly<Record<string, string>>
  readonly system: string
  readonly prompt: TaskPattern
  /** Patterns, or the path of a column. */
  readonly choices?: readonly TaskPattern[] | string
  readonly options?: readonly TaskPattern[] | string
  readonly answer?: string
  readonly answerFrom: number
  readonly target?: TaskPattern
  readonly delimiter: string
  readonly metrics: readonly MetricName[]
  readonly rules: readonly RuleName[]
  readonly generate: GenerateSettings
  readonly fewshot: FewshotSettings
  readonly contamination: TaskPattern
}

export interface GenerateSettings {
  readonly max_tokens: number
  readonly temperature: number
  readonly top_k: number
  readonly top_p: number
  readonly samples: number
  readonly stop: readonly string[]
}

export interface FewshotSettings {
  /** Changes to the dataset; undefined where the examples are among the items themselves. */
  readonly dataset?: Readonly<Record<string, unknown>>
  readonly sampler: 'random' | 'first'
  readonly seed: number
}

const CHOICE_METRICS: readonly MetricName[] = ['acc', 'acc_norm']

/** The task that a file describes. @throws RecipeError, at its place, for what does not go together */
export function defineTask(file: YamlFile, name: string): TaskDefinition {
  const raw = file.value as unknown as RawTask
  const fail = (path: string, message: string): never => {
    throw file.error(path, message)
  }
  const pattern = (path: string, source: string): TaskPattern => {
    try {
      return parseTaskPattern(source)
    } catch (error) {
      return fail(path, error instanceof PatternError ? error.message : String(error))
    }
  }
  const listed = (key: 'choices' | 'options'): readonly TaskPattern[] | string | undefined => {
    const value = raw[key]
    return Array.isArray(value)
      ? value.map((source, i) => pattern(`${key}.${i}`, source))
      : (value as string | undefined)
  }
  if (raw.dataset === undefined) fail('', 'dataset: is missing; a task says where its items are')
  const prompt = raw.prompt ?? fail('', 'prompt: is missing; a task says what is asked')
  const [choices, options] = [listed('choices'), listed('options')]
  checkKind(raw, fail)
  const target = raw.target === undefined ? undefined : pattern('target', raw.target)
  const metrics = raw.metrics ?? (choices === undefined ? ['exact_match', 'f1', 'rouge_l'] : ['acc'])
  checkMetrics(metrics, choices !== undefined, raw.ask, fail)
  return {
    file,
    name,
    ask: raw.ask,
    ...asGiven(raw),
    ...(raw.ids === undefined ? {} : { ids: file.resolvePath('ids', raw.ids) }),
    system: raw.system ?? '',
    prompt: pattern('prompt', prompt),
    ...(choices === undefined ? {} : { choices }),
    ...(options === undefined ? {} : { options }),
    answerFrom: raw.answer_from,
    ...(target === undefined ? {} : { target }),
    delimiter: raw.delimiter ?? ' ',
    metrics,
    rules: raw.rules ?? ['strict', 'flexible'],
    generate: raw.generate ?? GENERATE,
    fewshot: raw.fewshot ?? { sampler: 'random', seed: 1234 },
    contamination: pattern('contamination', raw.contamination ?? prompt),
  }
}

/** What is taken as the file has it, where it has it. */
function asGiven(raw: RawTask): Pick<TaskDefinition, 'id' | 'cluster' | 'half' | 'other_columns' | 'answer'> {
  const keys = ['id', 'cluster', 'half', 'other_columns', 'answer'] as const
  return Object.fromEntries(keys.flatMap((key) => (raw[key] === undefined ? [] : [[key, raw[key]]])))
}

const GENERATE: GenerateSettings = {
  max_tokens: 512,
  temperature: 0,
  top_k: 0,
  top_p: 1,
  samples: 1,
  stop: [],
}

interface RawTask {
  readonly dataset?: object
  readonly id?: string
  readonly ids?: string
  readonly half?: HalfRule
  readonly other_columns?: Readonly<Record<string, string>>
  readonly cluster?: string
  readonly ask: 'likelihood' | 'generate'
  readonly system?: string
  readonly prompt?: string
  readonly choices?: readonly string[] | string
  readonly options?: readonly string[] | string
  readonly answer?: string
  readonly answer_from: number
  readonly target?: string
  readonly delimiter?: string
  readonly metrics?: readonly MetricName[]
  readonly rules?: readonly RuleName[]
  readonly generate?: GenerateSettings
  readonly fewshot?: FewshotSettings
  readonly contamination?: string
}

type Fail = (path: string, message: string) => never

/** What does not go together: the key to name, what is wrong with it, and whether it is so. */
type Clash = readonly [path: string, message: string, wrong: boolean]

/** Choices and an answer, or a target: one of the two. */
function checkKind(raw: RawTask, fail: Fail): void {
  const { answer, target, ask, rules, generate, delimiter } = raw
  const [choices, likelihood] = [raw.choices !== undefined, ask === 'likelihood']
  const [named, free] = [answer !== undefined, target !== undefined]
  const { samples = 1, temperature = 0 } = generate ?? {}
  const clashes: readonly Clash[] = [
    ['prompt', 'a task needs choices with an answer, or a target beside its prompt', !choices && !free],
    ['target', 'does not go with choices; a task has one or the other', choices && free],
    ['choices', 'need "answer" beside them: the column with the right one', choices && !named],
    ['answer', 'names a choice, but there are no choices', !choices && named],
    ['target', 'is compared with what the model writes: set ask: generate', free && likelihood],
    ['rules', 'read a choice, but there are no choices', !choices && rules !== undefined],
    ['generate', 'is for tasks with ask: generate', likelihood && generate !== undefined],
    [
      'generate.samples',
      'are all the same at temperature 0; draw them at a higher one',
      samples > 1 && temperature === 0,
    ],
    [
      'delimiter',
      'stands before a choice that is scored; with ask: generate nothing is',
      !likelihood && delimiter !== undefined,
    ],
  ]
  const clash = clashes.find(([, , wrong]) => wrong)
  if (clash !== undefined) fail(clash[0], clash[1])
}

function checkMetrics(
  metrics: readonly MetricName[],
  choices: boolean,
  ask: RawTask['ask'],
  fail: Fail,
): void {
  metrics.forEach((metric, i) => {
    if (ask === 'generate' && metric === 'acc_norm')
      fail(`metrics.${i}`, 'divides a log-probability; with ask: generate there is acc alone')
    if (CHOICE_METRICS.includes(metric) === choices) return
    const fits = METRICS.filter((name) => CHOICE_METRICS.includes(name) === choices).join(', ')
    fail(`metrics.${i}`, `"${metric}" does not go with ${choices ? 'choices' : 'a target'}; allowed: ${fits}`)
  })
}
