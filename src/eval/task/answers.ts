/**
 * @file How a choice is read from what a model wrote. `strict` takes only what is stated ("the answer is B"); `flexible`
 * goes on as HuatuoGPT-o1's evaluation does: a letter that stands alone, the text of an option, the most similar
 * option, and of the first and the last such place the better one counts. That is generous: read both.
 */
import type { RuleName } from './definition.ts'

export interface ReadAnswer {
  /** Indexes of the choices that count as given, first and last; none where the rule found no answer. */
  readonly choices: readonly number[]
  /** By which step it was found. */
  readonly by: 'stated' | 'alone' | 'option' | 'similar' | 'none'
}

const NONE: ReadAnswer = { choices: [], by: 'none' }

/** What follows a heading of this kind is the answer; what stands before it is thought. */
const FINAL = /##\s*Final Response\s*|(?:\*\*)?Final Answer(?:\*\*)?\s*:?\s*/gi

/** `options` are the texts behind the choices, in their order. */
export function readAnswer(
  rule: RuleName,
  text: string,
  choices: readonly string[],
  options: readonly string[],
): ReadAnswer {
  const answer = finalPart(text)
  const said = stated(answer, choices)
  if (said.choices.length > 0 || rule === 'strict') return said
  const steps = [
    () => alone(answer, choices),
    () => byOption(answer, options),
    () => similar(answer, options),
  ]
  return steps.reduce((found, step) => (found.by === 'none' ? step() : found), NONE)
}

function finalPart(text: string): string {
  const last = [...text.matchAll(FINAL)].at(-1)
  return last === undefined ? text : text.slice(last.index + last[0].length)
}

/** First and last of the places where `pattern` finds a choice, its text in the first group. */
function firstAndLast(
  text: string,
  pattern: RegExp,
  choices: readonly string[],
  by: ReadAnswer['by'],
): ReadAnswer {
  const lower = choices.map((choice) => choice.toLowerCase())
  const found = [...text.matchAll(pattern)].map((match) => lower.indexOf(match[1]!.toLowerCase()))
  return found.length === 0 ? NONE : { choices: ends(found), by }
}

const ends = (found: readonly number[]): readonly number[] => [...new Set([found[0]!, found.at(-1)!])]

/** "answer is B", "answer: (B)", whatever the case of the words; a letter itself must be as it is written. */
function stated(text: string, choices: readonly string[]): ReadAnswer {
  const letters = choices.every((choice) => choice.length === 1)
  const any = choices.map(literal).join('|')
  const said = '[Aa][Nn][Ss][Ww][Ee][Rr](?:\\s+[Ii][Ss])?\\s*:?\\s*["\'*(]*'
  return firstAndLast(
    text,
    new RegExp(`\\b${said}(${any})(?![\\p{L}\\p{N}])`, letters ? 'gu' : 'giu'),
    choices,
    'stated',
  )
}

/** A choice with no letter or digit beside it. */
function alone(text: string, choices: readonly string[]): ReadAnswer {
  const letters = choices.every((choice) => choice.length === 1)
  const any = choices.map(literal).join('|')
  // "A patient" begins with an article, not with an answer.
  const after = letters ? "(?![\\p{L}\\p{N}'])(?!\\s+[a-z])" : '(?![\\p{L}\\p{N}])'
  return firstAndLast(
    text,
    new RegExp(`(?<![\\p{L}\\p{N}])(${any})${after}`, letters ? 'gu' : 'giu'),
    choices,
    'alone',
  )
}

function byOption(text: string, options: readonly string[]): ReadAnswer {
  const lower = text.toLowerCase()
  const places = options.flatMap((option, choice) => {
    const [first, last] = [lower.indexOf(option.toLowerCase()), lower.lastIndexOf(option.toLowerCase())]
    return first < 0 ? [] : [{ choice, first, last }]
  })
  if (places.length === 0) return NONE
  const first = places.reduce((best, place) => (place.first < best.first ? place : best))
  const last = places.reduce((best, place) => (place.last > best.last ? place : best))
  return { choices: ends([first.choice, last.choice]), by: 'option' }
}

function similar(text: string, options: readonly string[]): ReadAnswer {
  if (text.trim() === '') return NONE
  const ratios = options.map((option) => similarity(option.toLowerCase(), text.toLowerCase()))
  return { choices: [ratios.indexOf(Math.max(...ratios))], by: 'similar' }
}

/**
 * Ratcliff and Obershelp's similarity, as Python's difflib has it without its guess at junk: twice the characters of
 * the longest common block, and of those left and right of it, by the characters of both.
 */
export function similarity(a: string, b: string): number {
  return a.length + b.length === 0 ? 1 : (2 * matching(a, b)) / (a.length + b.length)
}

function matching(a: string, b: string): number {
  let best = { size: 0, a: 0, b: 0 }
  let last = new Map<number, number>()
  for (let i = 0; i < a.length; i++) {
    const lengths = new Map<number, number>()
    for (let j = b.indexOf(a[i]!); j >= 0; j = b.indexOf(a[i]!, j + 1)) {
      const size = (last.get(j - 1) ?? 0) + 1
      lengths.set(j, size)
      if (size > best.size) best = { size, a: i - size + 1, b: j - size + 1 }
    }
    last = lengths
  }
  if (best.size === 0) return 0
  const left = matching(a.slice(0, best.a), b.slice(0, best.b))
  const right = matching(a.slice(best.a + best.size), b.slice(best.b + best.size))
  return left + best.size + right
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** The choice that most answers give; of equally many, the one that was given first. Undefined where none answers. */
export function majority(votes: readonly (number | undefined)[]): number | undefined {
  const counts = new Map<number, number>()
  for (const vote of votes) if (vote !== undefined) counts.set(vote, (counts.get(vote) ?? 0) + 1)
  let best: number | undefined
  for (const [vote, count] of counts) if (best === undefined || count > counts.get(best)!) best = vote
  return best
}
