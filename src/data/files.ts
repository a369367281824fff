/** @file Finds the input files that data set options name. */
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { OptionError } from '../util/errors.ts'
import { nearest } from '../util/nearest.ts'

/** Throws an OptionError at `option` when `file` (absolute) is no readable file, with the nearest name beside it. */
export async function requireFile(option: string, file: string): Promise<void> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    if (found.code !== 'ENOENT' && found.code !== 'ENOTDIR') {
      throw new OptionError(option, `${file} cannot be read (${found.code})`)
    }
    throw new OptionError(option, `no such file: ${file}${await suggestion(file)}`)
  }
  if (!found.isFile())
    throw new OptionError(option, `${file} is a folder; name a file in it${await contents(file)}`)
}

async function suggestion(file: string): Promise<string> {
  const folder = dirname(file)
  const names = await readdir(folder).catch(() => undefined)
  if (names === undefined) return `; there is no folder ${folder} either`
  const meant = nearest(basename(file), names)
  return meant === undefined ? '' : `; did you mean "${meant}"`
}

async function contents(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'))
  return names.length === 0 ? '' : `, such as ${names.sort().slice(0, 3).join(', ')}`
}
