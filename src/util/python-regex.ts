/** @file Regular expressions as Python writes them, for settings that Python tools read too. */

/** Escapes and groups that the two languages spell differently. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/^\\A/, '(?<![\\s\\S])'],
  [/^\\Z/, '(?![\\s\\S])'],
  [/^\(\?P</, '(?<'],
  [/^\(\?P=(\w+)\)/, '\\k<$1>'],
  [/^\(\?#[^)]*\)/, ''],
  [/^\{,(\d+)\}/, '{0,$1}'],
]

/** What `re.fullmatch(pattern, text)` accepts. Throws SyntaxError, with the reason, for what is no expression. */
export function fullMatch(pattern: string): RegExp {
  const { source, flags } = translate(pattern)
  return new RegExp(`^(?:${source})$`, flags)
}

/** What `re.match(prefix + "(" + pattern + ")" + suffix, text)` accepts; prefix and suffix are of both languages. */
export function startMatch(prefix: string, pattern: string, suffix: string): RegExp {
  const { source, flags } = translate(pattern)
  return new RegExp(`^(?:${prefix}(${source})${suffix})`, flags)
}

function translate(pattern: string): { readonly source: string; readonly flags: string } {
  const [, letters = ''] = /^\(\?([aimsuxL]+)\)/.exec(pattern) ?? []
  const unknown = /[xL]/.exec(letters)
  if (unknown) throw new SyntaxError(`the flag "${unknown[0]}" is not known here`)
  const flags = letters.replace(/[au]/g, '')
  let source = ''
  let rest = letters === '' ? pattern : pattern.slice(letters.length + 3)
  while (rest !== '') {
    const [taken, written] = piece(rest)
    source += written
    rest = rest.slice(taken)
  }
  return { source, flags: [...new Set(flags)].join('') }
}

/** The next piece of an expression: how long it is, and how it is spelt here. */
function piece(rest: string): readonly [number, string] {
  for (const [here, there] of SPELLINGS) {
    const match = here.exec(rest)?.[0]
    if (match !== undefined) return [match.length, match.replace(here, there)]
  }
  // A bracket that closes right where a set opens is one of its members.
  const set = /^\[(\^?)(\]?)((?:\\[\s\S]|[^\]\\])*)\]/.exec(rest)
  if (set) return [set[0].length, `[${set[1]}${set[2] === '' ? '' : '\\]'}${set[3]}]`]
  const escaped = /^\\[\s\S]/.exec(rest)?.[0]
  return escaped ? [escaped.length, escaped] : [1, rest[0]!]
}
