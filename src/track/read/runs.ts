/** @file Finds runs by what a person types: an id, its beginning or end, a name, a path. */
import { stat } from 'node:fs/promises'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { InputError } from '../../util/errors.ts'
import { nearest } from '../../util/nearest.ts'
import { isSweepFolder } from '../sweep-journal.ts'
import { findRuns, isRun } from './find.ts'

export interface FoundRun {
  /** The folder that `id` is relative to. */
  readonly root: string
  readonly id: string
}

/**
 * One run for each word: a path to a run folder, an id below `root`, or a part of one that only one run has.
 * @param sweeps whether a word may also name the whole folder of a sweep
 * @throws InputError for a word that means no run, or several
 */
export async function pickRuns(root: string, words: readonly string[], sweeps = false): Promise<FoundRun[]> {
  let known: readonly string[] | undefined
  const picked: FoundRun[] = []
  for (const word of words) {
    const byPath = await atPath(root, word, sweeps)
    if (byPath) {
      picked.push(byPath)
      continue
    }
    known ??= await findRuns(root)
    picked.push({ root, id: choose(word, known, root) })
  }
  return picked
}

async function atPath(root: string, word: string, sweeps: boolean): Promise<FoundRun | undefined> {
  for (const path of [resolve(root, word), resolve(word)]) {
    const found = await stat(path).catch(() => undefined)
    if (!found?.isDirectory()) continue
    if (!(await isRun(path)) && !(sweeps && isSweepFolder(path))) continue
    const id = relative(root, path)
    const inside = id !== '' && !id.startsWith('..')
    return inside ? { root, id: id.split(sep).join('/') } : { root: dirname(path), id: basename(path) }
  }
  return undefined
}

function choose(word: string, known: readonly string[], root: string): string {
  const matches = known.filter((id) => id === word || id.endsWith(`/${word}`))
  const parts = matches.length > 0 ? matches : known.filter((id) => id.includes(word))
  if (parts.length === 1) return parts[0]!
  if (parts.length > 1) {
    const shown = parts.slice(0, 5).join(', ')
    const more = parts.length > 5 ? ` and ${parts.length - 5} more` : ''
    throw new InputError(
      `${JSON.stringify(word)} means ${parts.length} runs: ${shown}${more}; give more of the name`,
    )
  }
  const near = nearest(word, known)
  const hint = near ? `; did you mean ${near}` : `; "medtune runs --runs-dir ${root}" lists them`
  throw new InputError(`${root}: no run is named ${JSON.stringify(word)}${hint}`)
}
