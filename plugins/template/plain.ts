/** @file Text without turns: whole documents, or a prompt with its completion. */
import { definePlugin, OptionError, type Span, type Template } from 'medtune/plugin'
import { fillPattern, type Pattern, parsePattern } from './pattern.ts'

export default definePlugin({
  kind: 'template',
  name: 'plain',
  summary: 'Plain text (loss on all of it), or a prompt and a completion (loss on the completion).',
  options: {
    type: 'object',
    properties: {
      text: {
        type: 'string',
        minLength: 1,
        description: 'The whole document; {Column} stands for a column of the row.',
      },
      prompt: {
        type: 'string',
        minLength: 1,
        description: 'What comes before the completion; no loss is taken on it.',
      },
      completion: {
        type: 'string',
        minLength: 1,
        description: 'What the model learns to write after the prompt.',
      },
      bos: {
        type: 'boolean',
        default: true,
        description: "Begin with the tokenizer's beginning-of-text token.",
      },
      eos: {
        type: 'boolean',
        default: true,
        description: "End with the tokenizer's end-of-text token, and learn it.",
      },
    },
    additionalProperties: false,
  },
  create({ text, prompt, completion, bos, eos }): Template {
    const start: readonly Span[] = bos ? [{ text: '<bos>', train: false, control: true }] : []
    const end: readonly Span[] = eos ? [{ text: '<eos>', train: true, control: true }] : []
    const [before, learned] = patterns(text, prompt, completion)
    return {
      columns: [...new Set([...(before?.columns ?? []), ...learned.columns])],
      prompt: (user) => [
        ...start,
        { text: before === undefined ? user : fillOnly(before, user), train: false },
      ],
      render: (row) => [
        ...start,
        ...(before === undefined ? [] : [{ text: fillPattern(before, row), train: false }]),
        { text: fillPattern(learned, row), train: true },
        ...end,
      ],
    }
  },
})

/** The part without loss, if there is one, and the part that is learned. */
function patterns(text?: string, prompt?: string, completion?: string): [Pattern | undefined, Pattern] {
  if (text !== undefined) {
    const other = prompt !== undefined ? 'prompt' : completion !== undefined ? 'completion' : undefined
    if (other !== undefined)
      throw new OptionError(other, 'does not go with "text"; give text, or prompt and completion')
    return [undefined, parsePattern('text', text)]
  }
  if (prompt === undefined && completion === undefined) {
    throw new OptionError('', 'needs "text", or "prompt" and "completion"')
  }
  if (completion === undefined) throw new OptionError('prompt', 'needs "completion" beside it')
  if (prompt === undefined) throw new OptionError('completion', 'needs "prompt" beside it')
  return [parsePattern('prompt', prompt), parsePattern('completion', completion)]
}

/** A question put where the prompt has its one column; where it has none or several, the question stands alone. */
function fillOnly(pattern: Pattern, user: string): string {
  const [before, after] = pattern.texts
  return pattern.columns.length === 1 ? before! + user + after! : user
}
