/** @file Finds runs by what a person types: an id, its beginning or end, a name, a path. */
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { InputError } from '../../util/errors.ts'
import { meantFolder } from '../../util/meant-folder.ts'
import { nearest } from '../../util/nearest.ts'
import { isSweepFolder, JOURNAL } from '../sweep-journal.ts'
import { findAll, findRuns, isRun } from './find.ts'

export interface FoundRun {
  /** The folder that `id` is relative to. */
  readonly root: string
  readonly id: string
}

/** What a word may name: a run, the folder of a sweep, or either. */
export type Named = 'run' | 'sweep' | 'either'

/**
 * One run for each word: a path to a run folder, an id below `root`, or a part of one that only one run has.
 * @throws InputError for a word that means no run, or several
 */
export async function pickRuns(
  root: string,
  words: readonly string[],
  what: Named = 'run',
): Promise<FoundRun[]> {
  let known: readonly string[] | undefined
  const picked: FoundRun[] = []
  for (const word of words) {
    refuseEmpty(word, what)
    const byPath = await atPath(root, word, what)
    if (byPath) {
      picked.push(byPath)
      continue
    }
    known ??= await idsOf(root, what)
    const id = choose(word, known, what)
    if (id === undefined) throw unknown(root, word, known, what)
    picked.push({ root, id })
  }
  return picked
}

/**
 * The id of the run that a word names; undefined where none does.
 * @param whole whether only a whole name counts, no part of one
 * @throws InputError where several have it, or one has almost that name
 */
export async function findNamed(
  root: string,
  word: string,
  { whole }: { readonly whole: boolean },
): Promise<string | undefined> {
  refuseEmpty(word, 'run')
  const known = await findRuns(root)
  const id = choose(word, whole ? known.filter((one) => isWhole(one, word)) : known, 'run')
  const near = id === undefined && !whole ? nearest(word, spellings(known)) : undefined
  if (near === undefined) return id
  throw new InputError(`${root}: no run is named ${JSON.stringify(word)}; did you mean ${near}`)
}

async function idsOf(root: string, what: Named): Promise<readonly string[]> {
  const { runs, sweeps } = await findAll(root)
  return { run: runs, sweep: sweeps, either: [...runs, ...sweeps] }[what]
}

async function atPath(root: string, word: string, what: Named): Promise<FoundRun | undefined> {
  for (const path of [resolve(root, word), resolve(word)]) {
    const found = await stat(path).catch(() => undefined)
    if (!found?.isDirectory()) continue
    const isOne = (what !== 'sweep' && (await isRun(path))) || (what !== 'run' && isSweepFolder(path))
    if (!isOne) continue
    const id = relative(root, path)
    const inside = id !== '' && !id.startsWith('..')
    return inside ? { root, id: id.split(sep).join('/') } : { root: dirname(path), id: basename(path) }
  }
  return undefined
}

/** An empty word, as an unset variable of a shell leaves it, is a part of every name. */
function refuseEmpty(word: string, what: Named): void {
  if (word.trim() !== '') return
  const one = what === 'sweep' ? 'sweep' : 'run'
  throw new InputError(`${JSON.stringify(word)} names no ${one}; give its folder, its name or a part of it`)
}

const isWhole = (id: string, word: string): boolean => id === word || id.endsWith(`/${word}`)

/** The id that is the word itself, else the one that ends in it or has it somewhere. */
function choose(word: string, known: readonly string[], what: Named): string | undefined {
  if (known.includes(word)) return word
  const matches = known.filter((id) => isWhole(id, word))
  const parts = matches.length > 0 ? matches : known.filter((id) => id.includes(word))
  if (parts.length <= 1) return parts[0]
  const shown = parts.slice(0, 5).join(', ')
  const more = parts.length > 5 ? ` and ${parts.length - 5} more` : ''
  const many = what === 'sweep' ? 'sweeps' : 'runs'
  throw new InputError(
    `${JSON.stringify(word)} means ${parts.length} ${many}: ${shown}${more}; give more of the name`,
  )
}

/** What a person may have meant to type: the whole id, or what stands in it between the time and the hash. */
function spellings(known: readonly string[]): readonly string[] {
  return known.flatMap((id) => [id, ...(/Z-(.+)-[0-9a-f]{8}$/.exec(id)?.slice(1) ?? [])])
}

/** A folder that is there under that name, and is something else, says what it is. */
function unknown(root: string, word: string, known: readonly string[], what: Named): InputError {
  const one = what === 'sweep' ? 'sweep' : 'run'
  const there = [word, join(root, word)].find((path) => existsSync(path))
  const mark = one === 'sweep' ? JOURNAL : 'run.json'
  if (there !== undefined)
    return new InputError(`${there}: is no ${one} folder, it has no ${mark}${meantFolder(there)}`)
  const near = nearest(word, spellings(known))
  const all = known.length === 0 ? 'there is none' : `there are: ${known.slice(0, 5).join(', ')}`
  const list = one === 'run' ? `; "medtune runs --runs-dir ${root}" lists them` : `; ${all}`
  const hint = near ? `; did you mean ${near}` : list
  return new InputError(`${root}: no ${one} is named ${JSON.stringify(word)}${hint}`)
}
