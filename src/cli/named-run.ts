/** @file Runs and sweeps as a person names them, the same for every command: a path, an id, or a part of it that no other has. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isPath, shippedRecipes } from '../recipe/find.ts'
import { findNamed, type Named, pickRuns } from '../track/read/runs.ts'

/** The folder of the run. @throws InputError for a word that means no run, or several */
export function namedRun(word: string, runsDir: string): Promise<string> {
  return named(word, runsDir, 'run')
}

/** The same of a sweep. */
export function namedSweep(word: string, runsDir: string): Promise<string> {
  return named(word, runsDir, 'sweep')
}

async function named(word: string, runsDir: string, what: Named): Promise<string> {
  const [found] = await pickRuns(runsDir, [word], what)
  return join(found!.root, ...found!.id.split('/'))
}

/**
 * For what may also be a recipe, a model or a repository: the folder of the run of that name, else the word itself.
 * @throws InputError where several runs are meant
 */
export async function namedTarget(word: string, runsDir: string): Promise<string> {
  if (existsSync(word) || /\.ya?ml$/i.test(word) || shippedRecipes().has(word)) return word
  // `owner/name` is a repository, unless it is the whole name of a run.
  const id = await findNamed(runsDir, word, { whole: isPath(word) })
  return id === undefined ? word : join(runsDir, ...id.split('/'))
}
