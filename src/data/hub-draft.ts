/**
 * @file Half-downloaded blobs. A draft's name says which process writes it; a draft that nobody writes any more is taken
 * over by renaming it, which one process alone can win, and the download goes on where it broke off.
 */
import { createHash, randomBytes } from 'node:crypto'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exists } from './hub-cache.ts'

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
/** A draft that grew within this time has a writer; longer than a transfer may stall. */
const FRESH_MS = 90_000
const POLL_MS = 200

interface Draft {
  readonly file: string
  readonly size: number
  readonly written: number
}

/**
 * A draft of `blob` (absolute path) for this process alone: the largest that was left behind, or an empty one. Waits
 * while another process writes one. Undefined where the blob is there by then.
 */
export async function claimDraft(blob: string): Promise<string | undefined> {
  const own = `${blob}.${HOST}-${process.pid}-${randomBytes(4).toString('hex')}.incomplete`
  for (;;) {
    if (await exists(blob)) return undefined
    const drafts = await findDrafts(blob)
    if (!drafts.some((draft) => isWritten(draft))) return takeOver(own, drafts)
    await sleep(POLL_MS)
  }
}

async function takeOver(own: string, drafts: readonly Draft[]): Promise<string> {
  const [largest, ...rest] = [...drafts].sort((a, b) => b.size - a.size)
  const taken = largest !== undefined && (await rename(largest.file, own).then(() => true, isGone))
  for (const { file } of rest) await rm(file, { force: true })
  if (!taken) await (await open(own, 'wx')).close()
  return own
}

/** Another process was quicker: no failure. */
function isGone(error: NodeJS.ErrnoException): boolean {
  if (error.code === 'ENOENT') return false
  throw error
}

async function findDrafts(blob: string): Promise<Draft[]> {
  const names = await readdir(dirname(blob))
  const files = names
    .filter((name) => name.startsWith(`${basename(blob)}.`) && ownerOf(name) !== undefined)
    .map((name) => join(dirname(blob), name))
  const found = await Promise.all(
    files.map(async (file) => {
      const status = await stat(file).catch(() => undefined)
      return status === undefined ? [] : [{ file, size: status.size, written: status.mtimeMs }]
    }),
  )
  return found.flat()
}

function ownerOf(name: string): { readonly host: string; readonly pid: number } | undefined {
  const match = /\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.incomplete$/.exec(name)
  return match === null ? undefined : { host: match[1]!, pid: Number(match[2]) }
}

/** A draft of this process is one that it gave up: it downloads a blob once at a time. */
function isWritten({ file, written }: Draft): boolean {
  const { host, pid } = ownerOf(file)!
  if (host === HOST && (pid === process.pid || !isAlive(pid))) return false
  return Date.now() - written < FRESH_MS
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
