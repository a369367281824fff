/** @file Brings one file of a repository into the cache: streamed, checked against size and hash, then renamed into place. */
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { copyFile, mkdir, open, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { InputError } from '../util/errors.ts'
import { checkInside, exists, type RepoCache } from './hub-cache.ts'

/** A file as the Hub's listing describes it. */
export interface RemoteFile {
  readonly path: string
  readonly size: number
  /** Git's hash of the file (SHA-1), or of the pointer to it where `lfs` is set. */
  readonly oid?: string
  readonly lfs?: { readonly oid: string; readonly size: number }
}

/**
 * Puts the file into `snapshots/<commit>/` (a link to `blobs/<hash>`, or a copy where links cannot be made). What
 * is there already is kept. Throws an InputError where the content is not what the listing promised.
 */
export async function fetchFile(
  cache: RepoCache,
  commit: string,
  file: RemoteFile,
  content: () => Promise<Blob>,
): Promise<void> {
  const target = join(cache.snapshot(commit), ...file.path.split('/'))
  const blobs = join(cache.folder, 'blobs')
  await mkdir(dirname(target), { recursive: true })
  await mkdir(blobs, { recursive: true })
  await checkInside(cache.folder, dirname(target))
  await checkInside(cache.folder, blobs)
  if (await exists(target)) return
  const blob = join(blobs, contentHash(file))
  if (!(await exists(blob))) await download(blob, file, content)
  await link(blob, target)
}

function contentHash({ path, oid, lfs }: RemoteFile): string {
  const hash = lfs?.oid ?? oid
  if (hash === undefined || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
    throw new InputError(`${path}: the Hub gave no usable hash for it (${JSON.stringify(hash)})`)
  }
  return hash
}

async function download(blob: string, file: RemoteFile, content: () => Promise<Blob>): Promise<void> {
  const draft = `${blob}.${randomBytes(6).toString('hex')}.incomplete`
  try {
    await stream(draft, file, await content())
    await rename(draft, blob)
  } finally {
    await rm(draft, { force: true })
  }
}

async function stream(draft: string, file: RemoteFile, content: Blob): Promise<void> {
  const size = file.lfs?.size ?? file.size
  const hash = file.lfs ? createHash('sha256') : gitHash(size)
  const handle = await open(draft, 'wx')
  let received = 0
  try {
    for await (const chunk of content.stream() as unknown as AsyncIterable<Uint8Array>) {
      received += chunk.length
      if (received > size) break
      hash.update(chunk)
      await handle.writeFile(chunk)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (received !== size) {
    throw new InputError(
      `${file.path}: the download has ${received > size ? 'more than ' : `${received} of `}${size} bytes; try again`,
    )
  }
  if (hash.digest('hex') !== contentHash(file)) {
    throw new InputError(
      `${file.path}: what was downloaded is not the file that the repository lists (its hash differs); try again`,
    )
  }
}

/** Git names a file by the SHA-1 of this header and its bytes. */
function gitHash(size: number): Hash {
  return createHash('sha1').update(`blob ${size}\0`)
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
