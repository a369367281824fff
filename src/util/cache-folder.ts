/** @file Where medtune keeps what it can make again: MEDTUNE_CACHE, else a folder in the user's cache. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder for one purpose, such as `tokens`; it need not exist. */
export function cacheFolder(purpose: string): string {
  const base =
    process.env.MEDTUNE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'medtune')
  return join(base, purpose)
}
