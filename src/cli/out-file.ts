/** @file A file that a command writes where the user says: the folder is made, and what cannot be is a mistake of the command line. */
import { mkdirSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { isFolder } from '../util/is-folder.ts'
import { UsageError } from './failure.ts'

/** Makes the folder of the file. @throws UsageError where there is a folder in its place, or none can be made for it */
export function readyOutFile(file: string): void {
  const whole = resolve(file)
  const shown = relative(process.cwd(), whole) || '.'
  if (isFolder(whole)) throw new UsageError(`${shown} is a folder; name a file to write`)
  try {
    mkdirSync(dirname(whole), { recursive: true })
  } catch (error) {
    throw new UsageError(`${shown} cannot be written: ${(error as Error).message}`)
  }
}
