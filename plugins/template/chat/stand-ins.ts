/**
 * @file Keeps a row's text apart from the template's. Before rendering, a character of each text that could be read
 * as a control token is swapped for one that the row does not use; afterwards, every control token in the
 * rendering is the template's own, and the characters are swapped back.
 */

/** Python trims these and JavaScript does not: they travel as white space that both trim. */
const PYTHON_SPACE = '\u001c\u001d\u001e\u001f\u0085'
const SPACES = [...'\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u1680\u205f\u3000']
/** JavaScript trims it and Python does not. */
const BYTE_ORDER_MARK = '\ufeff'
const TRIMMED_OTHERWISE = new RegExp(`[${PYTHON_SPACE}${BYTE_ORDER_MARK}]`, 'g')
const FIRST_PRIVATE = 0xe000

export interface StandIns {
  /** The text for the template. */
  hide(text: string): string
  /** Of the rendering: the text as it was. */
  restore(text: string): string
}

/** For the texts of one row. `controls` are the tokenizer's control tokens. */
export function standIns(texts: readonly string[], controls: ControlPattern): StandIns {
  // Few rows need any: their characters are looked at when the first is chosen.
  let used: Set<string> | undefined
  const originals = new Map<string, string>()
  const chosen = new Map<string, string>()
  let next = FIRST_PRIVATE
  const choose = (original: string, candidates?: readonly string[]): string => {
    const known = chosen.get(original)
    if (known !== undefined) return known
    used ??= new Set(texts.flatMap((text) => [...text]))
    let free = candidates?.find((candidate) => !used?.has(candidate))
    while (free === undefined || used.has(free)) free = String.fromCodePoint(next++)
    used.add(free)
    chosen.set(original, free)
    originals.set(free, original)
    return free
  }
  return {
    hide(text) {
      const harmless = breakControls(text, controls, choose)
      return harmless.replace(TRIMMED_OTHERWISE, (char) =>
        choose(char, char === BYTE_ORDER_MARK ? undefined : SPACES),
      )
    },
    restore(text) {
      if (originals.size === 0) return text
      return Array.from(text, (char) => originals.get(char) ?? char).join('')
    },
  }
}

export interface ControlPattern {
  readonly controls: readonly string[]
  /** Matches any control token, the longest first; undefined where there are none. */
  readonly any: RegExp | undefined
}

export function controlPattern(controls: readonly string[]): ControlPattern {
  const named = controls.filter((text) => text !== '').toSorted((a, b) => b.length - a.length)
  const source = named.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|')
  return { controls: named, any: named.length === 0 ? undefined : new RegExp(`(${source})`, 'u') }
}

function breakControls(
  text: string,
  { controls, any }: ControlPattern,
  choose: (original: string) => string,
): string {
  if (any === undefined) return text
  let result = text
  for (let found = any.exec(result); found; found = any.exec(result)) {
    result = swap(result, found.index, choose)
  }
  // The beginning of a control token at the end of a text could be completed by what follows it.
  const end = result.trimEnd().length
  const longest = controls[0]!.length
  for (let start = Math.max(0, end - longest + 1); start < end; start++) {
    const tail = result.slice(start, end)
    if (controls.some((control) => control.startsWith(tail))) result = swap(result, start, choose)
  }
  return result
}

/** Stand-ins are single UTF-16 units, and so is the first character of every control token that is swapped. */
function swap(text: string, at: number, choose: (original: string) => string): string {
  const char = String.fromCodePoint(text.codePointAt(at)!)
  return text.slice(0, at) + choose(char) + text.slice(at + char.length)
}
