/** @file Files of one model that lie in different folders, brought into one: an executor maps the weights of one folder. */
import { createHash } from 'node:crypto'
import { linkSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { cacheFolder } from '../util/cache-folder.ts'
import { InputError } from '../util/errors.ts'

/**
 * The same files, if need be as hard links in a folder of the cache, which take no room.
 * @param files real paths
 * @throws InputError where they lie on another disk than the cache, or on several
 */
export function inOneFolder(files: readonly string[]): readonly string[] {
  if (new Set(files.map((file) => dirname(file))).size <= 1) return files
  const key = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 32)
  const folder = join(cacheFolder('shards'), key)
  try {
    mkdirSync(folder, { recursive: true })
    // Numbered, since files of different folders may share a name.
    return files.map((file, i) => hardLink(file, join(folder, `${i}-${basename(file)}`)))
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException
    throw new InputError(
      `${files[0]} and ${files.find((file) => dirname(file) !== dirname(files[0]!))}: the files of one model lie in different folders and cannot be linked into ${folder} (${code}); copy them into one folder, or set MEDTUNE_CACHE to a folder on their disk`,
    )
  }
}

/** A link that was made before stays, unless the file has been replaced since. */
function hardLink(file: string, link: string): string {
  const [wanted, found] = [statSync(file), statSync(link, { throwIfNoEntry: false })]
  if (found?.ino === wanted.ino && found.dev === wanted.dev) return link
  const draft = `${link}.${process.pid}.tmp`
  rmSync(draft, { force: true })
  linkSync(file, draft)
  renameSync(draft, link)
  return link
}
