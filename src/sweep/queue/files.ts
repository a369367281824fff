/** @file A folder over Redis, in pieces: each file as its name, its size, its hash and its bytes. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, posix, sep } from 'node:path'
import type { Redis } from 'ioredis'
import { KEEP_SECONDS } from './protocol.ts'

const PIECE = 1 << 20
/** What is only of use where it was made. */
const LEFT_OUT = /^(checkpoints\/|owner\.\d+\.json$|\.(?!sync\/))/

interface Header {
  readonly path: string
  readonly size: number
  readonly pieces: number
}

/** Puts the files of a folder into the list `key`; what an earlier attempt left there is replaced. */
export async function sendFolder(redis: Redis, key: string, folder: string): Promise<void> {
  await redis.del(key)
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    )
    .filter((name) => !LEFT_OUT.test(name))
    .sort()
  for (const path of names) await sendFile(redis, key, folder, path)
  await redis.rpush(key, JSON.stringify({ files: names.length }))
  await redis.expire(key, KEEP_SECONDS)
}

async function sendFile(redis: Redis, key: string, folder: string, path: string): Promise<void> {
  const file = join(folder, path)
  const { size } = await stat(file)
  const header: Header = { path, size, pieces: Math.ceil(size / PIECE) }
  await redis.rpush(key, JSON.stringify(header))
  const hash = createHash('sha256')
  for await (const piece of createReadStream(file, { highWaterMark: PIECE, end: Math.max(0, size - 1) })) {
    hash.update(piece)
    await redis.rpush(key, piece)
  }
  await redis.rpush(key, hash.digest('hex'))
}

/**
 * Writes the folder that lies in `key` to `target`, whole or not at all; one that is there already stays.
 * @throws Error where pieces are missing or damaged
 */
export async function receiveFolder(redis: Redis, key: string, target: string): Promise<void> {
  if (existsSync(target)) return
  const draft = `${target}.incoming`
  await rm(draft, { recursive: true, force: true })
  const next = pieces(redis, key)
  let files = 0
  for (;;) {
    const header = JSON.parse(String(await next())) as Header | { readonly files: number }
    if ('files' in header) {
      if (header.files !== files)
        throw new Error(`${target}: ${files} of ${header.files} files came over the queue`)
      break
    }
    await receiveFile(header, join(draft, safe(header.path)), next)
    files++
  }
  await mkdir(draft, { recursive: true })
  await rename(draft, target)
}

async function receiveFile(
  { path, pieces: count }: Header,
  file: string,
  next: () => Promise<Buffer>,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const handle = await open(file, 'w')
  const hash = createHash('sha256')
  try {
    for (let i = 0; i < count; i++) {
      const piece = await next()
      hash.update(piece)
      await handle.writeFile(piece)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (String(await next()) !== hash.digest('hex'))
    throw new Error(`${path} was damaged on its way over the queue`)
}

function pieces(redis: Redis, key: string): () => Promise<Buffer> {
  let index = 0
  return async () => {
    const piece = await redis.lindexBuffer(key, index++)
    if (piece === null) throw new Error(`${key}: the queue no longer has all of the run's files`)
    return piece
  }
}

/** A path that stays below its folder, whatever the other side says. */
function safe(path: string): string {
  const normal = posix.normalize(path)
  if (normal.startsWith('..') || posix.isAbsolute(normal) || normal.includes('\0') || normal.includes('\\'))
    throw new Error(`${JSON.stringify(path)} is no path within a run folder`)
  return normal
}
