/** @file Files that are either whole or not there: written beside their place, synced, then renamed. */
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { type FsOps, fsOps, writeAll } from './fs-ops.ts'

/** A file that is being written and is not yet in its place. */
export interface Draft {
  /** Adds all of the bytes, or text as UTF-8. */
  write(data: string | Uint8Array): Promise<void>
}

/**
 * Hands `write` an empty file in the same folder and moves it to `file` once all of it is on disk. A
 * failure leaves what was there before, and no leftovers; what could not be synced is thrown away, since
 * the system may call a second attempt on the same file a success without having written anything.
 */
export async function writeAtomically(file: string, write: (draft: Draft) => Promise<void>): Promise<void> {
  const fs = fsOps()
  const folder = dirname(file)
  const draft = join(folder, `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await writeDraft(fs, draft, write)
    await fs.rename(draft, file)
    await fs.syncFolder(folder)
  } catch (cause) {
    await fs.remove(draft).catch(() => undefined)
    throw new Error(`cannot write ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

async function writeDraft(fs: FsOps, path: string, write: (draft: Draft) => Promise<void>): Promise<void> {
  const file = await fs.create(path)
  try {
    await write({ write: (data) => writeAll(file, data) })
    await file.sync()
  } finally {
    await file.close()
  }
}
