/**
 * @file The forms that rows of a conversation come in, each read as turns: `messages`, `prompt`/`completion`, ShareGPT's
 * `conversations`, Alpaca's `instruction`/`input`/`output`, and plain `text`. A row's form follows from its columns.
 */
import type { Row } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { messageTurns, type Speakers, textOf } from './turns.ts'

/** One turn of a conversation. `role` is system, user or assistant; other roles of `messages` as they are. */
export interface Turn {
  readonly role: string
  readonly content: string
  /** Whether the loss is taken on it. */
  readonly train: boolean
}

export const FORM_NAMES = ['messages', 'sharegpt', 'prompt-completion', 'alpaca', 'text'] as const
export type FormName = (typeof FORM_NAMES)[number]

/** On every turn that the model is to write, or on the last of them only. */
export type LossOn = 'all' | 'last'

interface Form {
  readonly name: FormName
  /** Columns that a row of this form has; the others it may have. */
  readonly columns: readonly string[]
  turns(row: Row): readonly Turn[]
}

const OPENAI: Speakers = { speaker: 'role', content: 'content', roles: { model: 'assistant' } }
const SHAREGPT: Speakers = {
  speaker: 'from',
  content: 'value',
  roles: {
    human: 'user',
    user: 'user',
    gpt: 'assistant',
    assistant: 'assistant',
    model: 'assistant',
    system: 'system',
  },
  closed: true,
}

/** The first whose columns a row has is its form: data sets often carry the same text twice, and turns say most. */
const FORMS: readonly Form[] = [
  {
    name: 'messages',
    columns: ['messages'],
    turns: (row) => messageTurns('messages', row.messages, OPENAI),
  },
  {
    name: 'sharegpt',
    columns: ['conversations'],
    turns: (row) => withSystem(row, messageTurns('conversations', row.conversations, SHAREGPT)),
  },
  {
    name: 'prompt-completion',
    columns: ['prompt', 'completion'],
    turns: ({ prompt, completion }) => [
      ...sideTurns('prompt', prompt, 'user').map((turn) => ({ ...turn, train: false })),
      ...sideTurns('completion', completion, 'assistant'),
    ],
  },
  {
    name: 'alpaca',
    columns: ['instruction', 'output'],
    turns: (row) => withSystem(row, alpacaTurns(row)),
  },
  { name: 'text', columns: ['text'], turns: ({ text }) => [assistant(textOf('text', text))] },
]

/** Columns that a row of the form must have. */
export function formColumns(name: FormName): readonly string[] {
  return FORMS.find((form) => form.name === name)!.columns
}

/** The form that the row's columns show. Throws an InputError that names the forms where they show none. */
export function recogniseForm(row: Row): FormName {
  const found = FORMS.find(({ columns }) => columns.every((column) => Object.hasOwn(row, column)))
  if (found !== undefined) return found.name
  const known = FORMS.map(({ columns }) => columns.join(' and ')).join('; ')
  throw new InputError(
    `has columns ${Object.keys(row).join(', ') || '(none)'}, which is no form that is recognised (${known}); say in the template how its columns become text`,
  )
}

/**
 * The turns of a row, with the loss where `lossOn` says. Throws an InputError, to be read behind the row's number,
 * where the row is not of that form.
 */
export function readTurns(row: Row, name: FormName, lossOn: LossOn): readonly Turn[] {
  const form = FORMS.find((candidate) => candidate.name === name)!
  const missing = form.columns.find((column) => !Object.hasOwn(row, column))
  if (missing !== undefined) {
    throw new InputError(
      `has no column "${missing}", as form ${name} needs; it has ${Object.keys(row).join(', ') || 'none'}`,
    )
  }
  const turns = form.turns(row)
  const last = turns.findLastIndex(({ train }) => train)
  return lossOn === 'all' ? turns : turns.map((turn, i) => (i === last ? turn : { ...turn, train: false }))
}

/**
 * Throws an InputError unless user and assistant take turns, the user first, after at most one system turn: what the
 * chat formats of most models ask for.
 */
export function checkAlternation(turns: readonly Turn[]): void {
  const start = turns[0]?.role === 'system' ? 1 : 0
  for (let i = start; i < turns.length; i++) {
    const expected = (i - start) % 2 === 0 ? 'user' : 'assistant'
    const { role } = turns[i]!
    if (role === expected) continue
    const before = i === 0 ? 'at the beginning' : `after ${article(turns[i - 1]!.role)} turn`
    throw new InputError(
      `has ${article(role)} turn ${before} (turn ${i + 1} of ${turns.length}), where the ${expected} must follow; mend the row or leave it out`,
    )
  }
  if (turns.length === start) throw new InputError('has no turn of the user')
}

const article = (role: string): string => `${/^[aeio]/.test(role) ? 'an' : 'a'} ${role}`

const assistant = (content: string): Turn => ({ role: 'assistant', content, train: true })

function alpacaTurns({ instruction, input, output }: Row): Turn[] {
  const extra = input === undefined || input === null ? '' : textOf('input', input)
  const asked = textOf('instruction', instruction)
  const content = extra === '' ? asked : `${asked}\n\n${extra}`
  return [{ role: 'user', content, train: false }, assistant(textOf('output', output))]
}

/** A prompt or a completion: a text, or a list of messages. */
function sideTurns(column: string, value: unknown, role: 'user' | 'assistant'): readonly Turn[] {
  if (Array.isArray(value)) return messageTurns(column, value, OPENAI)
  return [{ role, content: textOf(column, value), train: role === 'assistant' }]
}

/** Some data sets keep the system text in a column of its own. */
function withSystem(row: Row, turns: readonly Turn[]): readonly Turn[] {
  const { system } = row
  if (typeof system !== 'string' || system === '' || turns[0]?.role === 'system') return turns
  return [{ role: 'system', content: system, train: false }, ...turns]
}
