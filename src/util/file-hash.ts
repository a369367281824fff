/** @file SHA-256 of files, remembered by path, size, time of change and inode, so that a large file is read once. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { writeAtomically } from './atomic.ts'
import { cacheFolder } from './cache-folder.ts'

export interface FileHash {
  /** Bytes. */
  readonly size: number
  /** In hex. */
  readonly sha256: string
}

/** A file that changed this recently may change again within the same tick of its clock; its hash is not kept. */
const SETTLED_NS = 2_000_000_000n

/** Reads the whole file. Rejects as `stat` and `read` do. */
export async function hashFile(file: string): Promise<FileHash> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    size += chunk.length
  }
  return { size, sha256: hash.digest('hex') }
}

/** As `hashFile`, but a file whose size, time and inode are those of an earlier call is not read again. */
export async function hashFileOnce(file: string, folder = cacheFolder('hashes')): Promise<FileHash> {
  const path = resolve(file)
  const entry = join(folder, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`)
  const before = await stampOf(path)
  const known = await readEntry(entry)
  if (known?.path === path && known.stamp === before.stamp) return { size: known.size, sha256: known.sha256 }
  const found = await hashFile(path)
  const after = await stampOf(path)
  // What changed while it was read, or only just now, is read again the next time.
  if (after.stamp === before.stamp && BigInt(Date.now()) * 1_000_000n - after.mtimeNs > SETTLED_NS)
    await writeEntry(folder, entry, { path, stamp: after.stamp, ...found })
  return found
}

interface Entry extends FileHash {
  readonly path: string
  readonly stamp: string
}

async function stampOf(file: string): Promise<{ readonly stamp: string; readonly mtimeNs: bigint }> {
  const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true })
  return { stamp: [dev, ino, size, mtimeNs].join(':'), mtimeNs }
}

async function readEntry(file: string): Promise<Entry | undefined> {
  try {
    const entry = JSON.parse(await readFile(file, 'utf8')) as Partial<Entry> | null
    const sound = typeof entry?.sha256 === 'string' && typeof entry.size === 'number'
    return sound ? (entry as Entry) : undefined
  } catch {
    return undefined
  }
}

/** A cache that cannot be written costs time, nothing else. */
async function writeEntry(folder: string, file: string, entry: Entry): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await writeAtomically(file, (draft) => draft.write(`${JSON.stringify(entry)}\n`))
  } catch {
    // Nothing to do.
  }
}
