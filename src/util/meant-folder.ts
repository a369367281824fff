/** @file What a folder is that was named where another sort was wanted, or which one was probably meant. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The end of an error's sentence; empty where nothing can be said. */
export function meantFolder(folder: string): string {
  if (existsSync(join(folder, 'sweep.jsonl')))
    return `; it is a sweep's: its runs lie in ${join(folder, 'runs')}, and \`medtune sweep resume ${folder}\` goes on with it`
  if (existsSync(join(folder, 'run.json')))
    return `; it is a run's: \`medtune run --from ${folder}\` repeats it, \`medtune resume ${folder}\` goes on where it broke off`
  const below = join('runs', folder)
  return !existsSync(folder) && existsSync(below) ? `; did you mean ${below}` : ''
}
