/** @file Every scoring leaves a trace: its items, a line each, and a line in scorings.jsonl that says what was scored when. */
import { appendFileSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { EvalItem } from '../plugin/contract.ts'
import { writeAtomically } from '../util/atomic.ts'
import { InputError } from '../util/errors.ts'
import { fsOps } from '../util/fs-ops.ts'
import { isObject, type JsonObject } from '../util/json-object.ts'
import { parseJson, stringify, toNumber } from './json.ts'

export interface Scoring {
  readonly name: string
  readonly which: 'base' | 'tuned'
  readonly items: number
  /** Hash of what decided the scores; empty where they were not remembered. */
  readonly model: string
  /** The step of training after which it was done, where it was done between two of them. */
  readonly step?: number
  /** The file of items, where its name does not follow from the others. */
  readonly file?: string
}

/** Appends to `scorings.jsonl` of the folder: how often a test set was looked at can be counted there. */
export function logScoring(folder: string, scoring: Scoring): void {
  const line = stringify({ time: new Date().toISOString(), ...scoring })
  appendFileSync(join(folder, 'scorings.jsonl'), `${line}\n`)
}

/** An item as a line of a file of items. */
export function itemLine({ id, detail, ...scores }: EvalItem): string {
  return `${stringify({ id, ...detail, ...scores })}\n`
}

/**
 * Writes items and, as `<name>.json` beside their `<name>.jsonl`, what they are and came to. Cut short, it leaves what was
 * there or items without a summary, never items beside the summary of others.
 */
export async function writeScored(file: string, items: readonly EvalItem[], summary: object): Promise<void> {
  const fs = fsOps()
  await fs.remove(summaryOf(file))
  await fs.syncFolder(dirname(file))
  await writeAtomically(file, (draft) => draft.write(items.map(itemLine).join('')))
  await writeAtomically(summaryOf(file), (draft) => draft.write(`${stringify(summary, 2)}\n`))
}

const summaryOf = (file: string): string => file.replace(/l$/, '')

/** The summary beside a file of items; empty where there is none that can be read. */
export function readSummary(file: string): JsonObject {
  try {
    const found = parseJson(readFileSync(summaryOf(file), 'utf8'))
    return isObject(found) ? found : {}
  } catch {
    return {}
  }
}

/** What `itemLine` wrote; an item that names no weight counts once. */
export function parseItem(line: string): EvalItem {
  const { id, score, weight, cluster, part, also, ...detail } = JSON.parse(line) as EvalItem &
    Record<string, unknown>
  return {
    id,
    score: toNumber(score)!,
    weight: weight === undefined ? 1 : toNumber(weight)!,
    ...(cluster === undefined ? {} : { cluster }),
    ...(part === undefined ? {} : { part }),
    ...(also === undefined ? {} : { also: parseJson(JSON.stringify(also)) as Record<string, number> }),
    ...(Object.keys(detail).length === 0 ? {} : { detail }),
  }
}

/** The items of a file. @throws InputError for one that cannot be read, a line that is no item, or one that is there twice */
export function readScoredItems(file: string): readonly EvalItem[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new InputError(`${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  const seen = new Set<string>()
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return []
    const item = soundItem(line)
    if (item === undefined)
      throw new InputError(`${file}:${i + 1}: is no item of an evaluation ({"id": ..., "score": ...})`)
    if (seen.has(item.id))
      throw new InputError(`${file}:${i + 1}: the item ${JSON.stringify(item.id)} is there twice`)
    seen.add(item.id)
    return [item]
  })
}

function soundItem(line: string): EvalItem | undefined {
  try {
    const item = parseItem(line)
    return typeof item.id === 'string' && typeof item.score === 'number' && typeof item.weight === 'number'
      ? item
      : undefined
  } catch {
    return undefined
  }
}
