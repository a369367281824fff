/** @file Runs and sweeps as a person names them, the same for every command: a path, an id, or a part of it that no other has. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isPath, shippedRecipes } from '../recipe/find.ts'
import { findNamed, type Named, pickRuns } from '../track/read/runs.ts'
import { InputError } from '../util/errors.ts'
import { nearest } from '../util/nearest.ts'

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
 * @throws InputError where several runs are meant, or a bare word names nothing
 */
export async function namedTarget(word: string, runsDir: string): Promise<string> {
  const recipes = shippedRecipes()
  if (existsSync(word) || /\.ya?ml$/i.test(word) || recipes.has(word)) return word
  // `owner/name` is a repository, unless it is the whole name of a run.
  const id = await findNamed(runsDir, word, { whole: isPath(word) })
  if (id !== undefined) return join(runsDir, ...id.split('/'))
  if (isPath(word)) return word
  const meant = existsSync(`${word}.yaml`) ? `./${word}.yaml` : nearest(word, recipes.keys())
  throw new InputError(
    `${JSON.stringify(word)} is no run in ${runsDir}, no recipe that ships with medtune and no folder here${meant === undefined ? '' : `; did you mean ${meant}`}`,
  )
}
