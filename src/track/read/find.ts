/** @file Which run folders and sweeps lie under a folder. */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { JOURNAL } from '../sweep-journal.ts'

/** Run folders may lie in a folder of their own, such as a sweep's; deeper ones are not looked for. */
const DEPTH = 3
/** Parts of a run folder or of a checkout, where no run is looked for. */
const SKIPPED = new Set(['node_modules', 'checkpoints', 'exports', 'adapter', 'eval', 'logs'])

/** A folder is a run's if it holds one of these. */
const MARKS = ['run.json', 'events.jsonl']

export interface Found {
  readonly runs: readonly string[]
  /** Folders of sweeps; the root itself is the empty text. */
  readonly sweeps: readonly string[]
}

/**
 * Ids of all runs and sweeps below `root`, newest first: paths relative to it, with forward slashes. Links and
 * names with a leading dot are left out. A missing root has none.
 */
export async function findAll(root: string): Promise<Found> {
  const found = { runs: [] as string[], sweeps: [] as string[] }
  await search(root, [], found)
  const newestFirst = (a: string, b: string): number => (leaf(a) < leaf(b) ? 1 : -1)
  return { runs: found.runs.sort(newestFirst), sweeps: found.sweeps.sort(newestFirst) }
}

export async function findRuns(root: string): Promise<readonly string[]> {
  return (await findAll(root)).runs
}

const leaf = (id: string): string => `${id.slice(id.lastIndexOf('/') + 1)} ${id}`

async function search(
  root: string,
  parts: readonly string[],
  found: { readonly runs: string[]; readonly sweeps: string[] },
): Promise<void> {
  const folders: string[] = []
  let isSweep = false
  try {
    for await (const entry of await opendir(join(root, ...parts))) {
      if (entry.name === JOURNAL) isSweep = true
      if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name))
        folders.push(entry.name)
    }
  } catch {
    return
  }
  if (isSweep) found.sweeps.push(parts.join('/'))
  // The other folders of a sweep hold what its trials and it say to each other.
  for (const name of isSweep ? folders.filter((one) => one === 'runs') : folders) {
    const here = [...parts, name]
    if (await isRun(join(root, ...here))) found.runs.push(here.join('/'))
    else if (here.length < DEPTH) await search(root, here, found)
  }
}

/** Whether `folder` is a run's. */
export async function isRun(folder: string): Promise<boolean> {
  for (const mark of MARKS) {
    const found = await lstat(join(folder, mark)).catch(() => undefined)
    if (found) return true
  }
  return false
}
