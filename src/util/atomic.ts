/** @file Files that are either whole or not there: written beside their place, synced, then renamed. */
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { type FsOps, fsOps, type OutFile, writeAll } from './fs-ops.ts'

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
    const draft = new GatheredDraft(file)
    await write(draft)
    await draft.flush()
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Small parts are gathered: a file of many small tensors takes few operations. */
const GATHERED_BYTES = 1 << 20

class GatheredDraft implements Draft {
  private readonly file: OutFile
  private parts: Uint8Array[] = []
  private size = 0

  constructor(file: OutFile) {
    this.file = file
  }

  async write(data: string | Uint8Array): Promise<void> {
    // A copy: what is handed over may change before it is written.
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    if (bytes.length < GATHERED_BYTES) {
      this.parts.push(typeof data === 'string' ? bytes : new Uint8Array(bytes))
      this.size += bytes.length
      if (this.size >= GATHERED_BYTES) await this.flush()
      return
    }
    await this.flush()
    await writeAll(this.file, bytes)
  }

  async flush(): Promise<void> {
    const { parts } = this
    this.parts = []
    this.size = 0
    if (parts.length > 0) await writeAll(this.file, Buffer.concat(parts))
  }
}
