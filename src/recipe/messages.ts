/** @file What a broken rule of the schema means, in words for whoever wrote the recipe. */
import type { ErrorObject } from 'ajv'

/** A value as found, short enough for one line. */
export function found(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'string')
    return `text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)}`
  return String(value)
}

const TYPES: { readonly [type: string]: string } = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of options',
}

interface Shape {
  readonly type?: string
  readonly items?: Shape
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Shape[]
}

/** What a schema asks for: `a whole number`, `a list of text`, `"a" or "b"`. */
export function wanted(schema: Shape): string {
  if (schema.anyOf) return schema.anyOf.map(wanted).join(' or ')
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ')
  if (schema.type === 'array' && schema.items?.type)
    return `a list of ${LISTED[schema.items.type] ?? 'items'}`
  return TYPES[schema.type ?? ''] ?? 'something else'
}
const LISTED: { readonly [type: string]: string } = {
  string: 'text',
  number: 'numbers',
  integer: 'whole numbers',
  boolean: 'true or false',
  object: 'mappings',
  array: 'lists',
}

type Tell = (error: ErrorObject) => string

const RULES: { readonly [keyword: string]: Tell } = {
  type: (error) =>
    `must be ${wanted(error.parentSchema as Shape)}, found ${found(error.data)}${quoted(error)}`,
  anyOf: (error) => `must be ${wanted(error.parentSchema as Shape)}, found ${found(error.data)}`,
  enum: (error) => `${found(error.data)} is not one of the choices`,
  minimum: (error) => `must be at least ${error.params.limit}, found ${found(error.data)}`,
  maximum: (error) => `must be at most ${error.params.limit}, found ${found(error.data)}`,
  exclusiveMinimum: (error) => `must be more than ${error.params.limit}, found ${found(error.data)}`,
  exclusiveMaximum: (error) => `must be less than ${error.params.limit}, found ${found(error.data)}`,
  minItems: (error) => `must have at least ${error.params.limit} item${error.params.limit === 1 ? '' : 's'}`,
  minLength: () => 'must not be empty',
  pattern: (error) => `${found(error.data)} does not match ${error.params.pattern}`,
  additionalProperties: () => 'unknown key',
  required: () => 'is missing',
}

/** The message of one error of ajv, without path, suggestion or allowed values. Needs ajv's `verbose`. */
export function tell(error: ErrorObject): string {
  return RULES[error.keyword]?.(error) ?? error.message ?? `breaks the rule "${error.keyword}"`
}

/** A number in quotes is text; say so. */
function quoted(error: ErrorObject): string {
  const wantsNumber = error.params.type === 'number' || error.params.type === 'integer'
  const isNumber =
    typeof error.data === 'string' && error.data.trim() !== '' && Number.isFinite(Number(error.data))
  return wantsNumber && isNumber ? ' (remove the quotes)' : ''
}
