/** @file Which run folders lie under a folder. */
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** Run folders may lie in a folder of their own, such as a sweep's; deeper ones are not looked for. */
const DEPTH = 3
/** Parts of a run folder or of a checkout, where no run is looked for. */
const SKIPPED = new Set(['node_modules', 'checkpoints', 'exports', 'adapter', 'eval', 'logs'])

/** A folder is a run's if it holds one of these. */
const MARKS = ['run.json', 'events.jsonl']

/**
 * Ids of all runs below `root`, newest first: paths relative to it, with forward slashes. Links and names
 * with a leading dot are left out. A missing root has none.
 */
export async function findRuns(root: string): Promise<readonly string[]> {
  const found: string[] = []
  await search(root, [], found)
  return found.sort((a, b) => (leaf(a) < leaf(b) ? 1 : -1))
}

const leaf = (id: string): string => `${id.slice(id.lastIndexOf('/') + 1)} ${id}`

async function search(root: string, parts: readonly string[], found: string[]): Promise<void> {
  const folders: string[] = []
  try {
    for await (const entry of await opendir(join(root, ...parts))) {
      if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name))
        folders.push(entry.name)
    }
  } catch {
    return
  }
  for (const name of folders) {
    const here = [...parts, name]
    if (await isRun(join(root, ...here))) found.push(here.join('/'))
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
