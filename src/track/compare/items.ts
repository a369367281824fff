/** @file An item of an evaluation, as a line of `eval/<name>.<base|tuned>.jsonl` has it. Pure. */

import { isObject, type JsonObject } from '../../util/json-object.ts'
import type { Scored } from '../../util/statistics.ts'
import { toNumber } from '../json.ts'
import { questionOf } from './question.ts'

export interface ItemRow extends Scored {
  /** What was asked, as one text; see question.ts. */
  readonly question: string
  readonly detail: JsonObject
}

/** Undefined for a line that is no item. */
export function parseItem(line: string): ItemRow | undefined {
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
  const group = typeof cluster === 'string' ? { cluster } : {}
  return { id, score: number, weight: toNumber(weight) ?? 1, ...group, question: questionOf(detail), detail }
}

/** What the model said, as text; undefined for an evaluation that asks for no answer. */
export function answerOf({ detail }: ItemRow): string | undefined {
  const found = detail.prediction ?? detail.text ?? detail.answer
  return found === undefined || found === null ? undefined : textOf(found)
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
