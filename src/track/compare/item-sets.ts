/** @file Files of items of any models, found and matched: which of them hold the same questions, whatever the files are called. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { EvalItem } from '../../plugin/contract.ts'
import { isObject, type JsonObject } from '../../util/json-object.ts'
import { readScoredItems, readSummary } from '../scorings.ts'
import { type AskedItem, pairItems, questionOf } from './question.ts'

export type ScoredItem = EvalItem & AskedItem

/** What one model said to the items of one evaluation. */
export interface ItemSet {
  /** What the evaluation is called. */
  readonly name: string
  readonly file: string
  readonly metric: string
  readonly better: 'higher' | 'lower'
  /** How it was asked, as far as the file beside it says. */
  readonly options: JsonObject
  /** The template that it went through, as far as that file says. */
  readonly template: JsonObject | undefined
  readonly items: readonly ScoredItem[]
}

/** The sets of several models that hold the same questions, and these questions alone, in one order. */
export interface MatchedSets {
  readonly name: string
  readonly sets: readonly ItemSet[]
  /** How many items each had before those were taken that all have. */
  readonly sizes: readonly number[]
}

const FILE = /^(.+)\.(base|tuned)\.jsonl$/

/**
 * Every set of a run's folder, of a folder of results or of a single file; the newest first, and of two models, base and
 * tuned, the tuned one's.
 * @throws InputError for a file that holds something else
 */
export function readItemSets(target: string): readonly ItemSet[] {
  if (statSync(target).isFile()) return [readSet(target, 'items')]
  const folder = existsSync(join(target, 'eval')) ? join(target, 'eval') : target
  const files = new Map<string, string>()
  for (const which of ['base', 'tuned']) {
    for (const file of readdirSync(folder)) {
      const match = FILE.exec(file)
      if (match?.[2] === which) files.set(match[1]!, join(folder, file))
    }
  }
  const sets = [...files].map(([stem, file]) => ({ set: readSet(file, stem), time: statSync(file).mtimeMs }))
  return sets.sort((a, b) => b.time - a.time).map(({ set }) => set)
}

function readSet(file: string, stem: string): ItemSet {
  const about = readSummary(file)
  const items = readScoredItems(file).map((item) => ({ ...item, question: questionOf(item.detail ?? {}) }))
  const text = (key: string): string | undefined => {
    const value = about[key]
    return typeof value === 'string' ? value : undefined
  }
  // Of what says nothing of itself, only a loss has weights, and of it the lower is the better one.
  const better = text('better') ?? (items.every(({ weight }) => weight === 1) ? 'higher' : 'lower')
  return {
    name: text('name') ?? stem.replace(/-[0-9a-f]{6}$/, ''),
    file,
    metric: text('metric') ?? '',
    better: better === 'lower' ? 'lower' : 'higher',
    options: isObject(about.options) ? about.options : {},
    template: isObject(about.template) ? about.template : undefined,
    items,
  }
}

/**
 * Of each evaluation that all have, the sets with the most questions in common; among equals the newest. `wanted` are
 * names of evaluations or of files.
 */
export function matchSets(
  targets: readonly (readonly ItemSet[])[],
  wanted: readonly string[] | undefined,
): readonly MatchedSets[] {
  const chosen = targets.map((sets) =>
    sets.filter((set) => wanted?.some((name) => isNamed(set, name)) ?? true),
  )
  const names = [...new Set(chosen[0]!.map(({ name }) => name))].sort()
  return names.flatMap((name) => {
    const [first, ...others] = chosen.map((sets) => sets.filter((set) => set.name === name))
    const matches = first!.flatMap((set) => matchOne(set, others))
    const most = Math.max(...matches.map(countOf))
    const best = matches.find((match) => countOf(match) === most)
    return best ? [best] : []
  })
}

const countOf = ({ sets }: MatchedSets): number => sets[0]!.items.length

const isNamed = ({ name, file }: ItemSet, wanted: string): boolean =>
  name === wanted || basename(file).replace(FILE, '$1') === wanted

function matchOne(first: ItemSet, others: readonly (readonly ItemSet[])[]): MatchedSets[] {
  const sets = [first]
  for (const candidates of others) {
    const shared = candidates.map((set) => ({ set, count: pairItems(first.items, set.items).pairs.length }))
    const most = shared.reduce((best, one) => (one.count > (best?.count ?? 0) ? one : best), shared[0])
    if (most === undefined || most.count === 0) return []
    sets.push(most.set)
  }
  const common = sets
    .slice(1)
    .map(({ items }) => new Set(pairItems(first.items, items).pairs.map(([{ id }]) => id)))
  const ids = first.items.map(({ id }) => id).filter((id) => common.every((shared) => shared.has(id)))
  if (ids.length === 0) return []
  return [
    {
      name: first.name,
      sets: sets.map((set) => ({ ...set, items: picked(set.items, ids) })),
      sizes: sets.map(({ items }) => items.length),
    },
  ]
}

function picked(items: readonly ScoredItem[], ids: readonly string[]): readonly ScoredItem[] {
  const byId = new Map(items.map((item) => [item.id, item]))
  return ids.map((id) => byId.get(id)!)
}
