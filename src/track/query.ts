/**
 * @file Which rows a person wants to see: `status = done and adapter.rank >= 8 and not name ~ "try"`. A query
 * is data that is compared, never code that is run. Pure; the command line and the page share it.
 */

/** What a query is asked of: the value of a field, or undefined. Tags and the like are lists. */
export type Lookup = (field: string) => unknown

export type Query = (lookup: Lookup) => boolean

/** A query that cannot be read: what was found, and where (a character from 1). */
export class QueryError extends Error {
  override readonly name = 'InputError'
}

interface Token {
  readonly kind: 'word' | 'text' | 'regex' | 'operator' | 'open' | 'close' | 'end'
  readonly text: string
  readonly at: number
}

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|(\/(?:[^/\\]|\\.)+\/)|(!~|!=|<=|>=|==|[=<>~])|(\()|(\))|([^\s()"=<>~!]+))/y
const KINDS = ['text', 'regex', 'operator', 'open', 'close', 'word'] as const
/** Field of a word that stands alone. */
const ANYWHERE = '*'
const DEEPEST = 50

/**
 * Reads a query. A word without an operator is looked for in name, id, tags and status.
 * @throws QueryError
 */
export function parseQuery(text: string): Query {
  const reader = new Reader(tokens(text))
  if (reader.peek().kind === 'end') return () => true
  const query = reader.either(0)
  if (reader.peek().kind !== 'end') throw reader.unexpected('"and", "or" or the end')
  return query
}

function tokens(text: string): Token[] {
  const found: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match)
      throw new QueryError(`query: cannot read ${JSON.stringify(text.slice(at))} (character ${at + 1})`)
    const index = match.slice(1).findIndex((group) => group !== undefined)
    found.push({ kind: KINDS[index]!, text: match[index + 1]!, at: match.index })
  }
  return [...found, { kind: 'end', text: 'the end', at: text.length }]
}

/** Reads by recursive descent: or, and, not, a comparison. */
class Reader {
  private readonly list: readonly Token[]
  private place = 0

  constructor(list: readonly Token[]) {
    this.list = list
  }

  peek(): Token {
    return this.list[this.place]!
  }

  either(depth: number): Query {
    const parts = [this.all(depth)]
    while (this.takeWord('or')) parts.push(this.all(depth))
    return parts.length === 1 ? parts[0]! : (lookup) => parts.some((part) => part(lookup))
  }

  unexpected(wanted: string): QueryError {
    const { text, at } = this.peek()
    return new QueryError(`query: expected ${wanted}, found ${JSON.stringify(text)} (character ${at + 1})`)
  }

  private all(depth: number): Query {
    const parts = [this.one(depth)]
    while (this.takeWord('and') || this.beginsOne()) parts.push(this.one(depth))
    return parts.length === 1 ? parts[0]! : (lookup) => parts.every((part) => part(lookup))
  }

  /** Two words side by side are both wanted. */
  private beginsOne(): boolean {
    const { kind, text } = this.peek()
    return ['text', 'regex', 'open'].includes(kind) || (kind === 'word' && text !== 'or')
  }

  private one(depth: number): Query {
    if (depth > DEEPEST) throw new QueryError('query: brackets are nested too deeply')
    if (this.takeWord('not')) {
      const query = this.one(depth + 1)
      return (lookup) => !query(lookup)
    }
    if (this.peek().kind === 'open') {
      this.place++
      const query = this.either(depth + 1)
      if (this.peek().kind !== 'close') throw this.unexpected('")"')
      this.place++
      return query
    }
    return this.comparison()
  }

  private comparison(): Query {
    const { kind } = this.peek()
    if (kind !== 'word' && kind !== 'text' && kind !== 'regex') throw this.unexpected('a field or a word')
    const left = this.list[this.place++]!
    if (this.peek().kind !== 'operator') {
      const found = matcher(left)
      return (lookup) => values(lookup(ANYWHERE)).some(found)
    }
    const operator = this.list[this.place++]!.text
    const { kind: right } = this.peek()
    if (right !== 'word' && right !== 'text' && right !== 'regex') throw this.unexpected('a value')
    const test = compare(operator, this.list[this.place++]!)
    const field = plain(left)
    return (lookup) => test(values(lookup(field)))
  }

  private takeWord(word: string): boolean {
    const { kind, text } = this.peek()
    if (kind !== 'word' || text.toLowerCase() !== word) return false
    this.place++
    return true
  }
}

const values = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value]

function plain({ kind, text }: Token): string {
  if (kind === 'text') return text.slice(1, -1).replace(/\\(.)/g, '$1')
  return kind === 'regex' ? text.slice(1, -1) : text
}

/** Whether a value contains the token's text, or matches it where it is a regular expression. */
function matcher(token: Token): (value: unknown) => boolean {
  const wanted = plain(token)
  if (token.kind !== 'text') {
    try {
      const pattern = new RegExp(wanted, 'i')
      return (value) => pattern.test(String(value))
    } catch (error) {
      if (token.kind === 'regex') throw new QueryError(`query: ${(error as Error).message}`)
    }
  }
  return (value) => String(value).toLowerCase().includes(wanted.toLowerCase())
}

function compare(operator: string, token: Token): (found: readonly unknown[]) => boolean {
  const wanted = plain(token)
  if (operator === '~' || operator === '!~') {
    const matches = matcher(token)
    return operator === '~' ? (found) => found.some(matches) : (found) => !found.some(matches)
  }
  const order = (value: unknown): number => orderOf(value, wanted)
  switch (operator) {
    case '!=':
      return (found) => !found.some((value) => order(value) === 0)
    case '<':
      return (found) => found.some((value) => order(value) < 0)
    case '<=':
      return (found) => found.some((value) => order(value) <= 0)
    case '>':
      return (found) => found.some((value) => order(value) > 0)
    case '>=':
      return (found) => found.some((value) => order(value) >= 0)
    default:
      return (found) => found.some((value) => order(value) === 0)
  }
}

/** Negative, 0 or positive; NaN, which no comparison holds for, where one of two is a number. */
function orderOf(value: unknown, wanted: string): number {
  if (typeof value === 'number') {
    if (wanted.toLowerCase() === 'nan') return Number.isNaN(value) ? 0 : Number.NaN
    return value - Number(wanted)
  }
  const text = String(value)
  return text === wanted ? 0 : text < wanted ? -1 : 1
}
