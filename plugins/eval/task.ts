/** @file Evaluation `task`: whatever a task file describes, the user's own or one that ships with medtune. */
import { openTask, TASK_OPTIONS } from 'medtune/eval'
import { definePlugin } from 'medtune/plugin'

export default definePlugin({
  kind: 'eval',
  name: 'task',
  summary: 'A task described in a YAML file: see docs/evaluation.md.',
  options: {
    type: 'object',
    properties: {
      task: {
        type: 'string',
        minLength: 1,
        description: 'The task: a file (./exam.yaml), or the name of one that ships with medtune.',
      },
      ...TASK_OPTIONS,
    },
    required: ['task'],
    additionalProperties: false,
  },
  create: ({ task, ...options }, context) => openTask(task, options, context),
})
