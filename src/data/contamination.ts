/**
 * @file Training rows that contain evaluation items, by the conventions of the field: the same text, 13 words in a
 * row (GPT-3, and lm-evaluation-harness), or 50 characters in a row at one of three places (GPT-4). Case,
 * punctuation and white space do not count. Words that many items share are no sign of anything.
 */
import { bitsOf, streamOf } from '../util/random.ts'

export const WAYS = ['exact', '13-gram', '50-characters'] as const
export type Way = (typeof WAYS)[number]

/** An item of an evaluation as it is searched for. */
export interface SoughtItem {
  readonly evaluation: string
  readonly id: string
  readonly text: string
}

export interface Match {
  readonly item: SoughtItem
  /** The strictest way in which they match. */
  readonly by: Way
}

const WORDS = 13
const CHARACTERS = 50
/** Places of 50 characters that are looked for, in each item. */
const PROBES = 3
/** Characters by which a place is found before it is compared. */
const KEY = 20
/** What more items than this share is a manner of speaking. */
const COMMON = 10

/** A text as it is compared: words of letters and digits, in lower case. */
function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  )
}

/** 50 characters of one or more items. */
interface Probe {
  readonly text: string
  readonly items: readonly number[]
  /** Items that have it somewhere. */
  seenIn: number
}

export class ContaminationIndex {
  readonly #items: readonly SoughtItem[]
  /** Words of the whole text -> items. */
  readonly #whole = new Map<string, number[]>()
  /** 13 words -> items. */
  readonly #grams = new Map<string, number[]>()
  /** Rolling hash of the first 20 characters of a place -> places. */
  readonly #probes = new Map<number, Probe[]>()

  /** `seed` decides which 50 characters of an item are looked for. */
  constructor(items: readonly SoughtItem[], seed: number) {
    this.#items = items
    const random = bitsOf(seed, streamOf('contamination'))
    const places = new Map<string, number[]>()
    items.forEach(({ text }, index) => {
      const words = wordsOf(text)
      add(this.#whole, words.join(' '), index)
      for (let i = 0; i + WORDS <= words.length; i++)
        add(this.#grams, words.slice(i, i + WORDS).join(' '), index)
      const characters = words.join('')
      const room = characters.length - CHARACTERS + 1
      for (let probe = 0; probe < (room > 0 ? PROBES : 0); probe++) {
        const start = random(index * PROBES + probe) % room
        add(places, characters.slice(start, start + CHARACTERS), index)
      }
    })
    this.#whole.delete('')
    for (const [gram, found] of this.#grams) if (found.length > COMMON) this.#grams.delete(gram)
    for (const [text, found] of places) {
      const key = hashOf(text, KEY)
      this.#probes.set(key, [...(this.#probes.get(key) ?? []), { text, items: found, seenIn: 0 }])
    }
    this.#countProbes()
  }

  /** In how many items each place stands, wherever it is in them. */
  #countProbes(): void {
    for (const { text } of this.#items) {
      const found = new Set<Probe>()
      this.#eachPlace(wordsOf(text).join(''), (probe) => found.add(probe))
      for (const probe of found) probe.seenIn++
    }
  }

  /** The items that a row contains; `texts` are the row's texts, each looked at by itself. */
  match(texts: readonly string[]): readonly Match[] {
    const found = new Map<number, Way>()
    const note = (items: readonly number[] | undefined, by: Way): void => {
      for (const item of items ?? []) {
        const known = found.get(item)
        if (known === undefined || WAYS.indexOf(by) < WAYS.indexOf(known)) found.set(item, by)
      }
    }
    for (const text of texts) {
      const words = wordsOf(text)
      note(this.#whole.get(words.join(' ')), 'exact')
      if (this.#grams.size > 0)
        for (let i = 0; i + WORDS <= words.length; i++)
          note(this.#grams.get(words.slice(i, i + WORDS).join(' ')), '13-gram')
      if (this.#probes.size > 0)
        this.#eachPlace(words.join(''), ({ items, seenIn }) => {
          if (seenIn <= COMMON) note(items, '50-characters')
        })
    }
    return [...found].map(([item, by]) => ({ item: this.#items[item]!, by }))
  }

  /** Rolls over the characters; where the first 20 of a place may begin, the whole place is compared. */
  #eachPlace(characters: string, visit: (probe: Probe) => void): void {
    if (characters.length < CHARACTERS) return
    let hash = hashOf(characters, KEY)
    for (let start = 0; start + CHARACTERS <= characters.length; start++) {
      for (const probe of this.#probes.get(hash) ?? [])
        if (characters.startsWith(probe.text, start)) visit(probe)
      const [gone, next] = [characters.charCodeAt(start), characters.charCodeAt(start + KEY)]
      hash = (Math.imul(hash - Math.imul(gone, HIGHEST), BASE) + next) | 0
    }
  }
}

const BASE = 0x01000193
/** BASE^(KEY - 1) mod 2^32: the weight of the first character. */
const HIGHEST = Array.from({ length: KEY - 1 }).reduce<number>((power) => Math.imul(power, BASE), 1)

/** Polynomial hash of the first `length` characters, mod 2^32. */
function hashOf(text: string, length: number): number {
  let hash = 0
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, BASE) + text.charCodeAt(i)) | 0
  return hash
}

function add(map: Map<string, number[]>, key: string, item: number): void {
  const items = map.get(key)
  if (items === undefined) map.set(key, [item])
  else if (items.at(-1) !== item) items.push(item)
}

/** Every text in a row's columns, at any depth. */
export function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsOf)
}
