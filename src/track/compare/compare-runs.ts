/** @file Compares runs as their folders have them. */
import { join } from 'node:path'
import type { ColumnStore } from '../read/column-store.ts'
import { readRow } from '../read/run-row.ts'
import { type Comparison, compareRows } from './compare.ts'
import type { ItemRow } from './items.ts'
import { readItemRows } from './read-items.ts'

/** A run to compare: the folder that its id is relative to, and a store for it. */
export interface Subject {
  readonly root: string
  readonly id: string
  readonly store: ColumnStore
}

/** The comparison of `compareRows`. */
export async function compareRuns(subjects: readonly Subject[], samples: number): Promise<Comparison> {
  const rows = await Promise.all(subjects.map(({ root, id, store }) => readRow(root, id, store)))
  const runs = rows.map((row, i) => ({ row, items: itemsOf(subjects[i]!) }))
  return compareRows(runs, samples)
}

/** Reads the items of an evaluation once, however many ask. */
function itemsOf({ root, id }: Subject): (name: string) => Promise<readonly ItemRow[]> {
  const folder = join(root, ...id.split('/'))
  const known = new Map<string, Promise<readonly ItemRow[]>>()
  return (name) => {
    const items = known.get(name) ?? readItemRows(folder, name, 'tuned')
    known.set(name, items)
    return items
  }
}
