/** @file Runs and sweeps that are not wanted any more: moved to `.trash` beside the others, and back. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InputError } from '../util/errors.ts'
import { cacheFile } from './read/column-cache.ts'
import { ColumnStore } from './read/column-store.ts'
import { readObject } from './read/files.ts'
import { findRuns } from './read/find.ts'
import { heartbeatOf, standing } from './read/liveness.ts'
import { readRow } from './read/run-row.ts'
import { isSweepFolder } from './sweep-journal.ts'

const TRASH = '.trash'

/**
 * Moves a run, or a sweep with all its runs, to the trash, or deletes it for good with what was derived from it.
 * @returns the folder it lies in now; undefined where it is gone
 * @throws InputError for one that is running, unless `force`
 */
export async function removeRun(
  root: string,
  id: string,
  { purge = false, force = false }: { readonly purge?: boolean; readonly force?: boolean } = {},
): Promise<string | undefined> {
  const folder = join(root, ...id.split('/'))
  const runs = isSweepFolder(folder) ? (await findRuns(folder)).map((run) => `${id}/${run}`) : [id]
  if (!force && (await runsOn(root, folder, runs)))
    throw new InputError(`${id}: is running; stop it first, or take it away all the same with --force`)
  for (const run of runs) await rm(cacheFile(root, run), { force: true })
  if (purge) {
    await rm(folder, { recursive: true })
    return undefined
  }
  const place = await freePlace(root, id)
  await rename(folder, place)
  return place
}

/** Whether one of the runs goes on, or the sweep that they are of. */
async function runsOn(root: string, folder: string, runs: readonly string[]): Promise<boolean> {
  const card = await readObject(folder, 'sweep.json')
  if (card.ok && standing(heartbeatOf(card.value)) === 'running') return true
  const store = new ColumnStore(root, { cache: false })
  for (const run of runs) if ((await readRow(root, run, store)).status === 'running') return true
  return false
}

/** Ids of the runs and sweeps in the trash. */
export async function inTrash(root: string): Promise<readonly string[]> {
  const names = await readdir(join(root, TRASH)).catch(() => [])
  return names.map(idOf).sort()
}

/**
 * Brings a run back to where it was.
 * @throws InputError where none of that id is in the trash, or its place is taken
 */
export async function restoreRun(root: string, id: string): Promise<void> {
  const known = await inTrash(root)
  const matches = known.filter((one) => one === id || one.includes(id))
  if (matches.length !== 1) {
    const found = matches.length === 0 ? known : matches
    throw new InputError(
      `${JSON.stringify(id)} means ${matches.length} runs in the trash; there are: ${found.join(', ') || 'none'}`,
    )
  }
  const target = join(root, ...matches[0]!.split('/'))
  await mkdir(dirname(target), { recursive: true })
  try {
    await rename(join(root, TRASH, nameOf(matches[0]!)), target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new InputError(`${target}: cannot be brought back (${code}); is there another run of this id?`)
  }
}

async function freePlace(root: string, id: string): Promise<string> {
  const folder = join(root, TRASH)
  await mkdir(folder, { recursive: true })
  const taken = new Set(await readdir(folder))
  const name = nameOf(id)
  if (!taken.has(name)) return join(folder, name)
  throw new InputError(
    `${id}: another run of this id is in the trash; empty it with --purge or restore it first`,
  )
}

/** One name for an id with folders in it; `%` and `/` as in an address. */
const nameOf = (id: string): string => id.replaceAll('%', '%25').replaceAll('/', '%2F')
const idOf = (name: string): string => name.replaceAll('%2F', '/').replaceAll('%25', '%')
