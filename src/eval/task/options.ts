/** @file Options of every task, for the plugins that are one. */
import type { OptionSchema } from '../../plugin/options.ts'

export const TASK_OPTIONS = {
  path: {
    type: 'string',
    minLength: 1,
    description: "A file with the items (parquet, jsonl, json or csv), in place of the task's own dataset.",
  },
  ids: {
    type: 'string',
    minLength: 1,
    description:
      'A file with the ids of the items to ask: a JSON list, an object by its keys, or an id a line.',
  },
  answer_from: {
    type: 'integer',
    minimum: 0,
    description: "The number of the first choice in the column of answers; the task's own if left out.",
  },
  fewshot: {
    type: 'integer',
    minimum: 0,
    default: 0,
    description: 'Examples with their answers before each question.',
  },
  chat: {
    type: 'boolean',
    description:
      "Ask in a turn of the recipe's template. Left out: plain text where choices are scored, a turn where the model writes.",
  },
  limit: { type: 'integer', minimum: 1, description: 'Ask only the first so many items.' },
} as const satisfies Record<string, OptionSchema>
