/** @file Brings one file of a repository into the cache: streamed, resumed, checked against size and hash, then renamed into place. */
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { copyFile, type FileHandle, mkdir, open, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { InputError } from '../util/errors.ts'
import { backoff, type Patience } from '../util/retry.ts'
import { checkInside, exists, type RepoCache } from './hub-cache.ts'
import { claimDraft } from './hub-draft.ts'
import { isPassing } from './hub-fetch.ts'

/** A file as the Hub's listing describes it. */
export interface RemoteFile {
  readonly path: string
  readonly size: number
  /** Git's hash of the file (SHA-1), or of the pointer to it where `lfs` is set. */
  readonly oid?: string
  readonly lfs?: { readonly oid: string; readonly size: number }
}

/** Where the content of a repository's files comes from. */
export interface FileSource {
  /** The file from byte `offset` on; any answer but success is returned as it is. */
  open(path: string, offset: number, signal: AbortSignal): Promise<Response>
  /** Told how many bytes more are there; fewer, where a download begins again. */
  received(bytes: number): void
  readonly patience: Patience
}

/** An answer of the Hub that is no success, as its library words it. */
export class HubStatusError extends Error {
  override readonly name = 'HubStatusError'
  readonly statusCode: number
  constructor(statusCode: number) {
    super(`status ${statusCode}`)
    this.statusCode = statusCode
  }
}

/** Downloads on their way in this process, by blob. */
const underway = new Map<string, Promise<void>>()

/**
 * Puts the file into `snapshots/<commit>/` (a link to `blobs/<hash>`, or a copy where links cannot be made). What
 * is there already is kept. Throws an InputError where the content is not what the listing promised.
 */
export async function fetchFile(
  cache: RepoCache,
  commit: string,
  file: RemoteFile,
  source: FileSource,
): Promise<void> {
  const target = snapshotPath(cache, commit, file)
  const blob = blobPath(cache, file)
  await mkdir(dirname(target), { recursive: true })
  await mkdir(dirname(blob), { recursive: true })
  await checkInside(cache.folder, dirname(target))
  await checkInside(cache.folder, dirname(blob))
  if (await isThere(target, file)) {
    await checkInside(cache.folder, target)
    return
  }
  if (!(await isThere(blob, file))) {
    // A blob comes into being by a rename, whole: one of another size was damaged afterwards.
    if (await exists(blob)) await rm(blob, { force: true })
    const download =
      underway.get(blob) ?? downloadBlob(blob, file, source).finally(() => underway.delete(blob))
    underway.set(blob, download)
    await download
  }
  await link(blob, target)
}

/** Bytes of the file that are still to come; 0 where the cache has it. */
export async function missingBytes(cache: RepoCache, commit: string, file: RemoteFile): Promise<number> {
  const there =
    (await isThere(snapshotPath(cache, commit, file), file)) || (await isThere(blobPath(cache, file), file))
  return there ? 0 : sizeOf(file)
}

function snapshotPath(cache: RepoCache, commit: string, { path }: RemoteFile): string {
  return join(cache.snapshot(commit), ...path.split('/'))
}

function blobPath(cache: RepoCache, file: RemoteFile): string {
  return join(cache.folder, 'blobs', contentHash(file))
}

const sizeOf = (file: RemoteFile): number => file.lfs?.size ?? file.size

async function isThere(path: string, file: RemoteFile): Promise<boolean> {
  return stat(path).then(
    (status) => status.isFile() && status.size === sizeOf(file),
    () => false,
  )
}

function contentHash({ path, oid, lfs }: RemoteFile): string {
  const hash = lfs?.oid ?? oid
  if (hash === undefined || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
    throw new InputError(`${path}: the Hub gave no usable hash for it (${JSON.stringify(hash)})`)
  }
  return hash
}

async function downloadBlob(blob: string, file: RemoteFile, source: FileSource): Promise<void> {
  const draft = await claimDraft(blob)
  if (draft === undefined) return source.received(sizeOf(file))
  const handle = await open(draft, 'r+')
  let keep = false
  try {
    await new Transfer(handle, file, source).complete()
    await handle.sync()
    await handle.close()
    await rename(draft, blob)
  } catch (error) {
    // What was cut off is gone on with another time; what is wrong, or fills the disk, is not.
    keep = !(error instanceof InputError) && !isDiskFull(error)
    throw error
  } finally {
    await handle.close()
    if (!keep) await rm(draft, { force: true })
  }
}

/** One file on its way into one draft, over as many requests as it takes. */
class Transfer {
  readonly #handle: FileHandle
  readonly #file: RemoteFile
  readonly #source: FileSource
  #hash: Hash
  #received = 0
  /** Whether the bytes come from more than one request. */
  #joined = false

  constructor(handle: FileHandle, file: RemoteFile, source: FileSource) {
    this.#handle = handle
    this.#file = file
    this.#source = source
    this.#hash = this.#freshHash()
  }

  /** Goes on behind what the draft has, until all of it is there and its hash is right. */
  async complete(): Promise<void> {
    await this.#takeDraft()
    for (;;) {
      await this.#receiveAll()
      if (this.#hash.digest('hex') === contentHash(this.#file)) return
      // What an earlier attempt left may be what is wrong: once more, from the start.
      if (!this.#joined) throw this.#wrong('is not the file that the repository lists (its hash differs)')
      await this.#restart()
    }
  }

  async #takeDraft(): Promise<void> {
    const { size } = await this.#handle.stat()
    if (size === 0 || size > sizeOf(this.#file)) return this.#restart()
    for await (const chunk of this.#handle.createReadStream({ start: 0, autoClose: false })) {
      this.#hash.update(chunk as Buffer)
      this.#received += (chunk as Buffer).length
    }
    this.#joined = true
    this.#source.received(this.#received)
  }

  async #restart(): Promise<void> {
    await this.#handle.truncate(0)
    this.#source.received(-this.#received)
    this.#received = 0
    this.#joined = false
    this.#hash = this.#freshHash()
  }

  async #receiveAll(): Promise<void> {
    const { patience } = this.#source
    let failures = 0
    while (this.#received < sizeOf(this.#file)) {
      const before = this.#received
      try {
        return await this.#receive()
      } catch (error) {
        if (!isPassing(error, true)) throw error
        failures = this.#received > before ? 1 : failures + 1
        if (failures >= patience.attempts) throw error
        await sleep(backoff(patience, failures))
        this.#joined = this.#received > 0
      }
    }
  }

  /** One request. A transfer that stalls is cut, which counts as any other cut. */
  async #receive(): Promise<void> {
    const stalled = new AbortController()
    const stall = (): void =>
      stalled.abort(Object.assign(new Error('no data'), { code: 'UND_ERR_BODY_TIMEOUT' }))
    const timer = setTimeout(stall, this.#source.patience.stallMs)
    try {
      const response = await this.#request(stalled.signal)
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        timer.refresh()
        await this.#take(chunk)
      }
    } finally {
      clearTimeout(timer)
    }
    const size = sizeOf(this.#file)
    if (this.#received < size) throw this.#wrong(`has ${this.#received} of ${size} bytes`)
  }

  /** An answer that goes on where the draft ends; a server that cannot makes the draft empty. */
  async #request(signal: AbortSignal): Promise<Response> {
    const response = await this.#source.open(this.#file.path, this.#received, signal)
    const { status, headers } = response
    if (status === 416 && this.#received > 0) {
      await response.body?.cancel()
      await this.#restart()
      return this.#request(signal)
    }
    if (status === 404) throw this.#wrong('is missing, though the repository lists it')
    if (status !== 200 && status !== 206) throw new HubStatusError(status)
    const start = status === 200 ? '0' : /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]
    if (start === '0' && this.#received > 0) await this.#restart()
    if (start === String(this.#received)) return response
    throw this.#wrong(`was sent from byte ${start ?? '?'} on, not from ${this.#received}`)
  }

  async #take(chunk: Uint8Array): Promise<void> {
    const size = sizeOf(this.#file)
    if (this.#received + chunk.length > size) throw this.#wrong(`has more than ${size} bytes`)
    let written = 0
    while (written < chunk.length) {
      const at = this.#received + written
      written += (await this.#handle.write(chunk, written, chunk.length - written, at)).bytesWritten
    }
    this.#hash.update(chunk)
    this.#received += chunk.length
    this.#source.received(chunk.length)
  }

  #wrong(what: string): InputError {
    return new InputError(`${this.#file.path}: what was downloaded ${what}; try again`)
  }

  /** Git names a file by the SHA-1 of a header and its bytes; LFS by the SHA-256 of its bytes. */
  #freshHash(): Hash {
    const { lfs } = this.#file
    return lfs ? createHash('sha256') : createHash('sha1').update(`blob ${sizeOf(this.#file)}\0`)
  }
}

function isDiskFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

async function link(blob: string, target: string): Promise<void> {
  const draft = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await symlink(relative(dirname(target), blob), draft).catch(() => copyFile(blob, draft))
    await rename(draft, target)
  } finally {
    await rm(draft, { force: true })
  }
}
