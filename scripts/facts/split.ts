/** @file Parts the facts into those that tuning rows ask for and those that are scored, and writes both as files. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drawsOf } from './draw.ts'
import { findLeaks } from './leaks.ts'
import { type Item, type Row, scoredItems, tuningRows } from './questions.ts'
import { ATTRIBUTES, type Attribute, type Condition, type Fact } from './table.ts'

/** Share of the facts that no tuning row asks for. */
const HELD_OUT = 0.4

/** Attributes that stand on the same side of the split: a drug tells its mechanism. */
const TOGETHER: readonly (readonly Attribute[])[] = [
  ['sign'],
  ['test'],
  ['drug', 'mechanism'],
  ['organ'],
  ['risk'],
]

export interface Facts {
  readonly tuned: readonly Fact[]
  readonly heldOut: readonly Fact[]
}

export interface Split {
  readonly train: readonly Row[]
  readonly heldOut: readonly Item[]
  readonly swapped: readonly Item[]
}

/** The same share of each attribute is held out, each time for other conditions. */
export function splitFacts(table: readonly Condition[], seed: number): Facts {
  const draw = drawsOf(seed, 'split')
  const held = new Set<string>()
  for (const attributes of TOGETHER) {
    for (const { condition } of draw.shuffle(table).slice(0, Math.round(HELD_OUT * table.length))) {
      for (const attribute of attributes) held.add(`${condition}/${attribute}`)
    }
  }
  const facts = table.flatMap((condition) => ATTRIBUTES.map((attribute) => ({ condition, attribute })))
  const isHeld = ({ condition, attribute }: Fact): boolean => held.has(`${condition.condition}/${attribute}`)
  return { tuned: facts.filter((fact) => !isHeld(fact)), heldOut: facts.filter(isHeld) }
}

/** Rows and items of a seed. Throws where a row gives a scored fact away. */
export function makeSplit(table: readonly Condition[], seed: number): Split {
  const { tuned, heldOut } = splitFacts(table, seed)
  const train = tuningRows(tuned, seed)
  refuseLeaks(train, heldOut)
  return { train, ...scoredItems(table, heldOut, seed) }
}

/** Throws where a row gives a held-out fact away. */
export function refuseLeaks(rows: readonly Row[], heldOut: readonly Fact[]): void {
  const leaks = findLeaks(rows, heldOut)
  const [first] = leaks
  if (first === undefined) return
  throw new Error(`leaks in the tuning rows: ${leaks.length}; the first: row ${first.row} ${first.why}`)
}

/** Writes train.jsonl, held-out.jsonl and swapped.jsonl. */
export async function writeSplit(split: Split, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const write = (name: string, rows: readonly object[]): Promise<void> =>
    writeFile(join(folder, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  await write('train.jsonl', split.train)
  await write('held-out.jsonl', split.heldOut)
  await write('swapped.jsonl', split.swapped)
}
