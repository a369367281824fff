/** @file How a chat template gets from a row to turns: by patterns of its own, or by a form that the row is in. */
import {
  FORM_NAMES,
  type FormName,
  formColumns,
  type LossOn,
  readTurns,
  recogniseForm,
  type Turn,
} from 'medtune/data'
import { type ChatTurn, InputError, OptionError, type OptionSchema, type Row } from 'medtune/plugin'
import { fillPattern, type Pattern, parsePattern } from './pattern.ts'

/** Options that every chat template shares; spread them into its schema. */
export const conversationOptions = {
  system: {
    type: 'string',
    description: 'Instruction put before the conversation, as it is, in rows that bring none of their own.',
  },
  user: {
    type: 'string',
    minLength: 1,
    description: 'The user turn; {Column} stands for a column of the row. With model.',
  },
  model: {
    type: 'string',
    minLength: 1,
    description: 'The answer to learn; {Column} stands for a column of the row. With user.',
  },
  form: {
    type: 'string',
    enum: FORM_NAMES,
    description: 'The form of the rows, instead of user and model; recognised by their columns if left out.',
  },
  loss_on: {
    type: 'string',
    enum: ['all', 'last'],
    description: 'Which turns of the model are learned, in rows of several: all (the default) or the last.',
  },
} as const satisfies Record<string, OptionSchema>

export interface ConversationOptions {
  readonly system?: string
  readonly user?: string
  readonly model?: string
  readonly form?: FormName
  readonly loss_on?: LossOn
}

export interface Conversation {
  /** Columns that every row must have, as far as they are known before a row is seen. */
  readonly columns: readonly string[]
  /** What a row is taken for, such as `sharegpt`; `columns` where patterns say it. */
  form(row: Row): string
  /** The row's turns, with the recipe's system text where the row has none. Throws an InputError for a row that has no turns. */
  turns(row: Row): readonly Turn[]
  /** A conversation so far, with the recipe's system text; a system turn of its own stands behind that. */
  dialogue(turns: readonly ChatTurn[]): readonly Turn[]
  /** The turns of a single question. */
  question(user: string): readonly Turn[]
}

/** Throws an OptionError where the options do not go together. */
export function conversation(options: ConversationOptions): Conversation {
  const { system, form, loss_on = 'all' } = options
  const instructed = (turns: readonly Turn[]): readonly Turn[] =>
    system === undefined || turns[0]?.role === 'system'
      ? turns
      : [{ role: 'system', content: system, train: false }, ...turns]
  const dialogue = ([first, ...rest]: readonly ChatTurn[]): readonly Turn[] => {
    const own = first?.role === 'system' ? [{ ...first, content: apart(system, first.content) }] : [first!]
    return instructed([...own, ...rest].map((turn) => ({ ...turn, train: false })))
  }
  const question = (user: string) => instructed([{ role: 'user', content: user, train: false }])
  const patterns = parsePatterns(options)
  if (patterns !== undefined) {
    return {
      columns: [...new Set([...patterns.user.columns, ...patterns.model.columns])],
      form: () => 'columns',
      turns: (row) => [
        ...question(fillPattern(patterns.user, row)),
        { role: 'assistant', content: fillPattern(patterns.model, row), train: true },
      ],
      dialogue,
      question,
    }
  }
  if (form === 'text') throw new OptionError('form', 'text has no turns; take the template plain')
  const formOf = form === undefined ? recogniseTurns : () => form
  return {
    columns: form === undefined ? [] : formColumns(form),
    form: formOf,
    turns: (row) => instructed(readTurns(row, formOf(row), loss_on)),
    dialogue,
    question,
  }
}

/** Two texts with an empty line between them, unless one of them brings its own blanks. */
function apart(first: string | undefined, second: string): string {
  if (first === undefined || first === '') return second
  return /\s$/.test(first) || /^\s/.test(second) ? first + second : `${first}\n\n${second}`
}

function recogniseTurns(row: Row): FormName {
  const form = recogniseForm(row)
  if (form !== 'text') return form
  throw new InputError(
    'is plain text (column "text") without turns; take the template plain, or give user and model patterns',
  )
}

function parsePatterns({
  user,
  model,
  form,
  loss_on,
}: ConversationOptions): { readonly user: Pattern; readonly model: Pattern } | undefined {
  if (user === undefined && model === undefined) return undefined
  if (model === undefined) throw new OptionError('user', 'needs "model" beside it')
  if (user === undefined) throw new OptionError('model', 'needs "user" beside it')
  if (form !== undefined) throw new OptionError('form', 'does not go with user and model, which say the form')
  if (loss_on !== undefined)
    throw new OptionError('loss_on', 'is for rows of several turns; user and model make one')
  return { user: parsePattern('user', user), model: parsePattern('model', model) }
}
