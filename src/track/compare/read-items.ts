/** @file Reads the items of an evaluation back from `eval/<name>.<base|tuned>.jsonl`. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openInside } from '../read/files.ts'
import { readLines } from '../read/lines.ts'
import { type ItemRow, parseItem } from './items.ts'

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
