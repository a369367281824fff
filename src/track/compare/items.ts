/** @file The items of an evaluation, read back from `eval/<name>.<base|tuned>.jsonl`. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scored } from '../../util/statistics.ts'
import { toNumber } from '../json.ts'
import { isObject, type JsonObject, openInside } from '../read/files.ts'
import { readLines } from '../read/lines.ts'

export interface ItemRow extends Scored {
  /** What was asked, as one text; the same question in two runs has the same. */
  readonly question: string
  readonly detail: JsonObject
}

/** A file of more items than these is not a thing to be looked at side by side. */
const MOST = 200_000
const FILE = /^(.+)\.(base|tuned)\.jsonl$/

/** Names of the run's evaluations that have items, sorted. */
export async function evalNames(folder: string): Promise<readonly string[]> {
  const files = await readdir(join(folder, 'eval')).catch(() => [])
  return [...new Set(files.flatMap((file) => FILE.exec(file)?.[1] ?? []))].sort()
}

/** Items in the order of the file; none where it cannot be read. Lines that are no item are passed over. */
export async function readItemRows(
  folder: string,
  name: string,
  which: 'base' | 'tuned',
): Promise<readonly ItemRow[]> {
  if (!(await evalNames(folder)).includes(name)) return []
  const opened = await openInside(folder, 'eval', `${name}.${which}.jsonl`)
  if (!opened.ok) return []
  const items: ItemRow[] = []
  try {
    await readLines(opened.value, 0, (line) => {
      const item = items.length < MOST ? parseItem(line) : undefined
      if (item) items.push(item)
    })
  } finally {
    await opened.value.close()
  }
  return items
}

function parseItem(line: string): ItemRow | undefined {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch {
    return undefined
  }
  if (!isObject(row) || typeof row.id !== 'string') return undefined
  const { id, score, weight, cluster, part: _part, also: _also, ...detail } = row
  const number = toNumber(score)
  if (number === undefined) return undefined
  const { prompt, reference, choices } = detail
  const question = JSON.stringify([prompt, reference, choices])
  const group = typeof cluster === 'string' ? { cluster } : {}
  return { id, score: number, weight: toNumber(weight) ?? 1, ...group, question, detail }
}

/** What the model said, as text; undefined for an evaluation that asks for no answer. */
export function answerOf({ detail }: ItemRow): string | undefined {
  const found = detail.prediction ?? detail.text ?? detail.answer
  return found === undefined || found === null ? undefined : textOf(found)
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
