/** @file YAML text to a tree with places, within limits that no honest recipe meets. */
import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import type { DocumentKind } from '../plugin/index.ts'
import { firstOf, type Place, type Problem } from './errors.ts'
import {
  type Entry,
  isForbidden,
  type MapNode,
  mapNode,
  type Node,
  type ScalarNode,
  scalarNode,
} from './tree.ts'

const MAX_DEPTH = 64
const MAX_KEYS = 10_000
const MAX_ALIASES = 100

/** Turns an offset in the text into the place that a problem names. */
type At = (offset: number) => Place

const NEEDS: { readonly [K in DocumentKind]: string } & { readonly [what: string]: string } = {
  recipe: 'a model, a dataset and a template',
  sweep: 'a recipe, a metric and parameters',
  task: 'a dataset and a prompt',
}

/** Reads the text of a recipe or a sweep. Every problem of the file goes to `problems`; undefined where nothing can be made of it. */
export function parseRecipe(
  text: string,
  file: string,
  problems: Problem[],
  document: string = 'recipe',
): MapNode | undefined {
  const lines = new LineCounter()
  const at: At = (offset) => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), col: Math.max(1, col) }
  }
  const node = parse(text, lines, at, problems)
  if (node === undefined || node.kind === 'map') return node
  const empty = node.kind === 'scalar' && node.value === null
  const message = empty
    ? `the file is empty; a ${document} needs at least ${NEEDS[document] ?? 'one key'}`
    : `a ${document} is a mapping of keys to values, found ${node.kind === 'list' ? 'a list' : 'a single value'}`
  problems.push({ ...(empty ? { file, line: 1, col: 1 } : node.place), path: '', message })
  return undefined
}

/**
 * Reads the value of an override. What YAML would take for a block (`a: b`, `- x`) is text here: on a
 * command line only scalars, `[...]` and `{...}` are meant.
 */
export function parseValue(text: string, place: Place, problems: Problem[]): Node | undefined {
  const own: Problem[] = []
  const node = parse(text, new LineCounter(), () => place, own, 'flow')
  problems.push(...own)
  return node
}

function parse(
  text: string,
  lines: LineCounter,
  at: At,
  problems: Problem[],
  only?: 'flow',
): Node | undefined {
  if (/^\s*$/.test(text)) return scalarNode(at(0), null)
  const tooMuch = exceeds(text)
  const document = tooMuch
    ? undefined
    : parseDocument(text, {
        lineCounter: lines,
        prettyErrors: false,
        schema: 'core',
        // Found while the tree is built: `yaml` compares every key of a map with every other one.
        uniqueKeys: false,
        resolveKnownTags: false,
      })
  if (!document) {
    fillLines(lines, text)
    problems.push({ ...at(tooMuch!.offset), path: '', message: tooMuch!.message })
    return undefined
  }
  if (only === 'flow' && isBlock(document)) return scalarNode(at(0), text)
  const found = syntaxProblems(document, text, at)
  problems.push(...found)
  if (found.length > 0 || document.contents === null)
    return found.length > 0 ? undefined : scalarNode(at(0), null)
  return new Builder(document, at, problems).build(document.contents, [], 0)
}

function isBlock(document: Document.Parsed): boolean {
  return (
    (isCollection(document.contents) && document.contents.flow !== true) ||
    document.errors.some((e) => e.code === 'BLOCK_AS_IMPLICIT_KEY')
  )
}

/** Lexing is linear in the text; parsing what it refuses here could take seconds or the stack. */
function exceeds(text: string): { readonly offset: number; readonly message: string } | undefined {
  let offset = 0
  let depth = 0
  let keys = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{') depth++
    else if (lexeme === ']' || lexeme === '}') depth--
    else if (lexeme === ':' || lexeme === '?' || lexeme === ',') keys++
    if (depth > MAX_DEPTH) return { offset, message: TOO_DEEP }
    if (keys > MAX_KEYS)
      return { offset, message: `more than ${MAX_KEYS} keys or list items; a recipe is not a place for data` }
    if (!LEXER_MARKS.has(lexeme)) offset += lexeme.length
  }
  return undefined
}
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`
/** What the lexer yields beside the text itself: byte order mark, document start, flow end, scalar start. */
const LEXER_MARKS = new Set(['\u{FEFF}', '\x02', '\x18', '\x1f'])

function fillLines(lines: LineCounter, text: string): void {
  lines.addNewLine(0)
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lines.addNewLine(i + 1)
}

function syntaxProblems(document: Document.Parsed, text: string, at: At): Problem[] {
  const deep = document.errors.find((error) => error.code === 'RESOURCE_EXHAUSTION')
  if (deep) return [{ ...at(deep.pos[0]), path: '', message: TOO_DEEP }]
  const end = text.trimEnd().length
  const problems = [...document.errors, ...document.warnings].map((error) => {
    const code = error.code as string
    const offset = Math.min(error.pos[0], end)
    return { ...at(offset), path: '', message: explain(code, error.message) }
  })
  const { yaml } = document.directives ?? {}
  if (yaml?.explicit && yaml.version !== '1.2')
    problems.push({ ...at(0), path: '', message: 'recipes are YAML 1.2' })
  // One slip often makes the parser complain twice at the same place.
  return firstOf(problems, ({ line, col }) => `${line}:${col}`)
}

const SYNTAX: { readonly [code: string]: string } = {
  TAB_AS_INDENT: 'a tab indents this line; YAML is indented with spaces',
  MULTIPLE_DOCS: 'a second document starts here ("---"); a recipe is one document',
  MISSING_CHAR: 'a quote, bracket or brace that was opened before is not closed',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on one line; quote the value if it is text',
  TAG_RESOLVE_FAILED: 'tags ("!...") are not allowed in a recipe',
}

/** The parser's own words where they serve; they begin lower-case like every other message. */
function explain(code: string, message: string): string {
  const open = /^Flow (?:sequence|map) .* end with a ([\]}])$/.exec(message)
  if (open) return `a ${open[1] === ']' ? '"["' : '"{"'} that was opened before is not closed`
  return SYNTAX[code] ?? message.charAt(0).toLowerCase() + message.slice(1)
}

/** Walks the parsed document; aliases are followed here, so their number is counted as they expand. */
class Builder {
  #aliases = 0
  #nodes = 0
  #stopped = false
  readonly #document: Document.Parsed
  readonly #at: At
  readonly #problems: Problem[]

  constructor(document: Document.Parsed, at: At, problems: Problem[]) {
    this.#document = document
    this.#at = at
    this.#problems = problems
  }

  build(node: unknown, path: readonly string[], depth: number): Node | undefined {
    const built = this.#node(node, path, depth)
    return this.#stopped ? undefined : built
  }

  #node(node: unknown, path: readonly string[], depth: number): Node {
    const place = this.#place(node)
    if (this.#stopped) return scalarNode(place, null)
    if (depth > MAX_DEPTH) return this.#stop(place, path.slice(0, 3), TOO_DEEP)
    if (++this.#nodes > 4 * MAX_KEYS) return this.#stop(place, path, `more than ${4 * MAX_KEYS} values`)
    if (isAlias(node)) return this.#alias(node, place, path, depth)
    if (isMap(node)) return this.#map(node, place, path, depth)
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.#node(item, [...path, String(index)], depth + 1))
      return { kind: 'list', place, items }
    }
    return scalarNode(place, isScalar(node) ? (node.value as ScalarNode['value']) : null)
  }

  #map(map: YAMLMap, place: Place, path: readonly string[], depth: number): MapNode {
    const entries = new Map<string, Entry>()
    for (const pair of map.items) {
      if (this.#stopped) break
      const keyPlace = this.#place(pair.key)
      const key = this.#key(pair, keyPlace, path)
      if (key === undefined) continue
      const first = entries.get(key)
      if (first)
        this.#problem(keyPlace, [...path, key], `duplicate key; it was first set on line ${first.key.line}`)
      const value = pair.value
        ? this.#node(pair.value, [...path, key], depth + 1)
        : scalarNode(keyPlace, null)
      if (!first) entries.set(key, { key: keyPlace, value })
    }
    return mapNode(place, entries)
  }

  /** The key's text as written (`1`, `true` and `yes` too); undefined, with a problem, for one that no recipe may have. */
  #key(pair: Pair, place: Place, path: readonly string[]): string | undefined {
    if (!isScalar(pair.key)) {
      this.#problem(place, path, 'a key must be plain text')
      return undefined
    }
    const key =
      typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? String(pair.key.value))
    if (isForbidden(key)) {
      this.#problem(place, [...path, key], `"${key}" is not allowed as a key`)
      return undefined
    }
    return key
  }

  #alias(alias: Alias, place: Place, path: readonly string[], depth: number): Node {
    if (++this.#aliases > MAX_ALIASES) {
      return this.#stop(
        place,
        path.slice(0, 3),
        `aliases ("*${alias.source}") expand to more than ${MAX_ALIASES} copies`,
      )
    }
    const target = alias.resolve(this.#document)
    if (!target) return this.#stop(place, path, `no anchor is named "&${alias.source}"`)
    return { ...this.#node(target, path, depth + 1), place }
  }

  #place(node: unknown): Place {
    const range = (node as { range?: readonly number[] | null } | null)?.range
    return this.#at(range?.[0] ?? 0)
  }

  #problem(place: Place, path: readonly string[], message: string): void {
    this.#problems.push({ ...place, path: path.join('.'), message })
  }

  #stop(place: Place, path: readonly string[], message: string): Node {
    this.#stopped = true
    this.#problem(place, path, message)
    return scalarNode(place, null)
  }
}
