/** @file Gemma's chat format: one user turn, one answer, the loss on the answer. */
import { definePlugin, type Span, type Template } from 'medtune/plugin'
import { fillPattern, parsePattern } from './pattern.ts'
import { strip } from './strip.ts'

const control = (text: string, train = false): Span => ({ text, train, control: true })
const text = (content: string, train = false): Span => ({ text: content, train })

export default definePlugin({
  kind: 'template',
  name: 'gemma',
  summary:
    "Gemma's chat turns: system text folded into the user turn, loss on the answer and its end of turn.",
  options: {
    type: 'object',
    properties: {
      system: { type: 'string', description: 'Instruction put before the user turn of every row, as it is.' },
      user: {
        type: 'string',
        minLength: 1,
        description: 'The user turn; {Column} stands for a column of the row.',
      },
      model: {
        type: 'string',
        minLength: 1,
        description: 'The answer to learn; {Column} stands for a column of the row.',
      },
    },
    required: ['user', 'model'],
    additionalProperties: false,
  },
  create({ system, user, model }): Template {
    const userPattern = parsePattern('user', user)
    const modelPattern = parsePattern('model', model)
    const prefix = system === undefined ? '' : `${system}\n\n`
    const prompt = (content: string): Span[] => [
      control('<bos>'),
      control('<start_of_turn>'),
      text(`user\n${prefix}${strip(content)}`),
      control('<end_of_turn>'),
      text('\n'),
      control('<start_of_turn>'),
      text('model\n'),
    ]
    return {
      columns: [...new Set([...userPattern.columns, ...modelPattern.columns])],
      prompt,
      render: (row) => [
        ...prompt(fillPattern(userPattern, row)),
        text(strip(fillPattern(modelPattern, row)), true),
        control('<end_of_turn>', true),
        text('\n', true),
      ],
    }
  },
})
