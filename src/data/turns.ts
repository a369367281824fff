/** @file Reads a list of messages as turns, whatever the list calls its speakers. */
import { InputError } from '../util/errors.ts'
import type { Turn } from './forms.ts'

/** How a list of messages names who speaks and what is said. */
export interface Speakers {
  readonly speaker: string
  readonly content: string
  /** Names of speakers -> roles. */
  readonly roles: Readonly<Record<string, string>>
  /** Whether a speaker outside `roles` is a mistake; else its name is the role. */
  readonly closed?: boolean
}

/** Turns of the list in `column`; the assistant's are learned. Throws an InputError that names the turn. */
export function messageTurns(column: string, value: unknown, speakers: Speakers): readonly Turn[] {
  if (!Array.isArray(value))
    throw new InputError(`has ${what(value)} in column "${column}", not a list of turns`)
  if (value.length === 0) throw new InputError(`has an empty list in column "${column}"`)
  return value.map((message, i) => turnOf(`${column}[${i}]`, message, speakers))
}

function turnOf(place: string, message: unknown, { speaker, content, roles, closed }: Speakers): Turn {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw new InputError(`has ${what(message)} at ${place}, not a turn with ${speaker} and ${content}`)
  }
  const fields = message as Readonly<Record<string, unknown>>
  // ShareGPT's column is also used with the keys of `messages`.
  if (closed && fields[speaker] === undefined && fields.role !== undefined) {
    return turnOf(place, message, { speaker: 'role', content: 'content', roles })
  }
  const name = fields[speaker]
  if (typeof name !== 'string' || name === '')
    throw new InputError(`has ${what(name)} as ${place}.${speaker}, not a speaker`)
  const role = Object.hasOwn(roles, name) ? roles[name]! : name
  if (closed && !Object.hasOwn(roles, name)) {
    throw new InputError(`has the speaker "${name}" at ${place}; known are ${Object.keys(roles).join(', ')}`)
  }
  return { role, content: textOf(`${place}.${content}`, fields[content]), train: role === 'assistant' }
}

/** A text, or the texts of a list of parts. Throws an InputError for anything else. */
export function textOf(place: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  if (Array.isArray(value)) return value.map((part, i) => partText(`${place}[${i}]`, part)).join('')
  throw new InputError(`has ${what(value)} as ${place}, where text is needed`)
}

function partText(place: string, part: unknown): string {
  const { type, text } = (part ?? {}) as { readonly type?: unknown; readonly text?: unknown }
  if (type === 'text' && typeof text === 'string') return text
  throw new InputError(
    `has a part of type ${JSON.stringify(type) ?? 'none'} at ${place}; only text can be learned`,
  )
}

function what(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'no value (null)'
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
