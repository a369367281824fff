/** @file Text without turns: whole documents, or a prompt with its completion. */
import { type FormName, formColumns, readTurns, recogniseForm } from 'medtune/data'
import { definePlugin, InputError, OptionError, type Row, type Span, type Template } from 'medtune/plugin'
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
      form: {
        type: 'string',
        enum: ['text', 'prompt-completion'],
        description:
          'The form of the rows, instead of the patterns above; recognised by their columns if left out.',
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
  create({ text, prompt, completion, form, bos, eos }): Template {
    const start: readonly Span[] = bos ? [{ text: '<bos>', train: false, control: true }] : []
    const end: readonly Span[] = eos ? [{ text: '<eos>', train: true, control: true }] : []
    const body = form === undefined ? byPattern(text, prompt, completion) : undefined
    if (form !== undefined && (text ?? prompt ?? completion) !== undefined)
      throw new OptionError('form', 'does not go with text, prompt or completion, which say the form')
    const { columns, parts, before, formOf } = body ?? byForm(form)
    return {
      columns,
      form: formOf,
      prompt: (user) => [
        ...start,
        { text: before === undefined ? user : fillOnly(before, user), train: false },
      ],
      render: (row) => [...start, ...parts(row), ...end],
    }
  },
})

interface Body {
  readonly columns: readonly string[]
  /** The part without loss, if there is one, and the part that is learned. */
  parts(row: Row): readonly Span[]
  readonly before?: Pattern
  formOf(row: Row): string
}

/** Undefined where there are no patterns. */
function byPattern(text?: string, prompt?: string, completion?: string): Body | undefined {
  if ((text ?? prompt ?? completion) === undefined) return undefined
  const [before, learned] = patterns(text, prompt, completion)
  return {
    columns: [...new Set([...(before?.columns ?? []), ...learned.columns])],
    parts: (row) => [
      ...(before === undefined ? [] : [{ text: fillPattern(before, row), train: false }]),
      { text: fillPattern(learned, row), train: true },
    ],
    ...(before === undefined ? {} : { before }),
    formOf: () => 'columns',
  }
}

function byForm(declared: FormName | undefined): Body {
  const formOf = (row: Row): FormName => declared ?? recognisePlain(row)
  return {
    columns: declared === undefined ? [] : formColumns(declared),
    parts: (row) => {
      const turns = readTurns(row, formOf(row), 'all')
      const listed = turns.length > 2 || turns.some(({ role }) => role !== 'user' && role !== 'assistant')
      if (listed || Array.isArray(row.prompt)) throw new InputError(`has turns in column "prompt"; ${CHAT}`)
      return turns.map(({ content, train }) => ({ text: content, train }))
    },
    formOf,
  }
}

const CHAT = "take a chat template (gemma, or chat for the model's own), or give patterns"

function recognisePlain(row: Row): FormName {
  const form = recogniseForm(row)
  if (form === 'text' || form === 'prompt-completion') return form
  throw new InputError(`is in the form ${form} (by its column "${formColumns(form)[0]}"); ${CHAT}`)
}

function patterns(text?: string, prompt?: string, completion?: string): [Pattern | undefined, Pattern] {
  if (text !== undefined) {
    const other = prompt !== undefined ? 'prompt' : completion !== undefined ? 'completion' : undefined
    if (other !== undefined)
      throw new OptionError(other, 'does not go with "text"; give text, or prompt and completion')
    return [undefined, parsePattern('text', text)]
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
