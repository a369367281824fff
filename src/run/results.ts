/**
 * @file Where the results of an evaluation outside a run lie: below the folder of runs a folder a model, in it a file
 * an evaluation, and others beside them for another model of that name or another way of asking, so that what is there stays.
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { contentHash } from '../recipe/hash.ts'
import type { StageUse } from '../recipe/recipe.ts'
import { readSummary } from '../track/scorings.ts'
import { InputError } from '../util/errors.ts'
import { isFolder } from '../util/is-folder.ts'

/** What a summary says was asked: a path, a recipe's name or a repository. */
export function targetOf(name: string): string {
  return existsSync(name) ? resolve(name) : name
}

/** `evals/<name>` below the folder of runs; with a hash where results of another model of that name lie there. */
export function resultsFolder(runsDir: string, name: string): string {
  const target = targetOf(name)
  const plain = join(runsDir, 'evals', basename(target).replace(/[^A-Za-z0-9._-]+/g, '-'))
  return targetsIn(plain).every((other) => other === target) ? plain : `${plain}-${short(target)}`
}

/** @throws InputError where no folder can be made or written at that place; nothing is made */
export function refuseUnwritable(folder: string): void {
  let there = resolve(folder)
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there)
  if (!isFolder(there))
    throw new InputError(`${folder}: no results can be written there, since ${there} is a file`)
  try {
    accessSync(there, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new InputError(
      `${folder}: no results can be written there: ${there} is not writable (${(error as NodeJS.ErrnoException).code})`,
    )
  }
}

function targetsIn(folder: string): readonly string[] {
  if (!isFolder(folder)) return []
  const files = readdirSync(folder).filter((file) => file.endsWith('.jsonl'))
  return files.flatMap((file) => {
    const { target } = readSummary(join(folder, file))
    return typeof target === 'string' ? [target] : []
  })
}

/** The name of the files of an evaluation in a folder of results; with a hash where it was asked in another way there. */
export function resultsName(folder: string, name: string, options: StageUse): string {
  const free = ['base', 'tuned'].every((which) => isOurs(join(folder, `${name}.${which}.jsonl`), options))
  return free ? name : hashedName(name, options)
}

/** A name that the run itself gives none of its evaluations. */
export function hashedName(name: string, options: StageUse): string {
  return `${name}-${short(options)}`
}

/** Whether nothing lies there, or what was asked in this very way; without a summary it is what a call that was killed left. */
function isOurs(file: string, wanted: StageUse): boolean {
  const { options } = readSummary(file)
  return options === undefined || contentHash(options) === contentHash(wanted)
}

const short = (value: unknown): string => contentHash(value).slice(0, 6)
