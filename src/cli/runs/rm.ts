/** @file `medtune runs rm` and `restore`: into the trash and back. */
import { relative } from 'node:path'
import { pickRuns } from '../../track/read/runs.ts'
import { inTrash, removeRun, restoreRun } from '../../track/trash.ts'

export interface RemoveOptions {
  readonly runsDir: string
  readonly purge?: boolean
  readonly force?: boolean
}

export async function remove(words: readonly string[], options: RemoveOptions): Promise<number> {
  // Every word is looked up before anything is moved.
  for (const { root, id } of await pickRuns(options.runsDir, words, 'either')) {
    const place = await removeRun(root, id, options)
    const now = place === undefined ? 'deleted' : `moved to ${relative(process.cwd(), place)}`
    process.stdout.write(`${id}: ${now}\n`)
  }
  return 0
}

/** Without a word, lists what is in the trash. */
export async function restore(words: readonly string[], runsDir: string): Promise<number> {
  if (words.length === 0) for (const id of await inTrash(runsDir)) process.stdout.write(`${id}\n`)
  for (const word of words) {
    await restoreRun(runsDir, word)
    process.stdout.write(`${word}: restored\n`)
  }
  return 0
}
