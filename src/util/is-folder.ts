/** @file Whether there is a folder at a path, whatever is asked for: below a file, or where nothing may be looked at, there is none. */
import { statSync } from 'node:fs'

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
