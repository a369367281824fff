/**
 * @file Every operation that changes files which must survive: one small set, so that a test can make the n-th one
 * fail or lose what was not synced. `withFs` puts another set in place for all that a function calls.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { link, mkdir, open, rename, rm, unlink } from 'node:fs/promises'

/** A new file that is being written from its start to its end. */
export interface OutFile {
  /** Writes some of the bytes, at least one; returns how many. */
  write(bytes: Uint8Array): Promise<number>
  sync(): Promise<void>
  close(): Promise<void>
}

/** A file that lines are added to; blocking, so that an event is on its way before anything follows from it. */
export interface AppendFile {
  write(bytes: Uint8Array): number
  sync(): void
  close(): void
}

export interface FsOps {
  /** Makes a file that must not exist. */
  create(file: string): Promise<OutFile>
  append(file: string): AppendFile
  mkdir(folder: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; fails where the name is taken. */
  link(file: string, name: string): Promise<void>
  unlink(file: string): Promise<void>
  /** Removes a file or a whole folder; nothing there is no error. */
  remove(path: string): Promise<void>
  /** Makes the content of a file durable that something else has written. */
  syncFile(file: string): Promise<void>
  /** Makes the names in a folder durable. */
  syncFolder(folder: string): Promise<void>
}

const nodeFs: FsOps = {
  async create(file) {
    const handle = await open(file, 'wx')
    return {
      write: async (bytes) => (await handle.write(bytes)).bytesWritten,
      sync: () => handle.sync(),
      close: () => handle.close(),
    }
  },
  append(file) {
    const handle = openSync(file, 'a')
    return {
      write: (bytes) => writeSync(handle, bytes),
      sync: () => fsyncSync(handle),
      close: () => closeSync(handle),
    }
  },
  mkdir: async (folder) => void (await mkdir(folder)),
  rename,
  link,
  unlink,
  remove: (path) => rm(path, { recursive: true, force: true }),
  // Windows syncs only what is open for writing.
  syncFile: (file) => syncPath(file, process.platform === 'win32' ? 'r+' : 'r'),
  // Windows cannot open a folder; its names are durable without.
  syncFolder: async (folder) => {
    if (process.platform !== 'win32') await syncPath(folder, 'r')
  },
}

async function syncPath(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const current = new AsyncLocalStorage<FsOps>()

/** The operations in force here. */
export function fsOps(): FsOps {
  return current.getStore() ?? nodeFs
}

/** Runs `body`, and whatever it calls or awaits, with other operations. */
export function withFs<T>(ops: FsOps, body: () => T): T {
  return current.run(ops, body)
}

/** Writes all of the bytes, however few each write takes. */
export async function writeAll(file: OutFile, data: string | Uint8Array): Promise<void> {
  let rest = typeof data === 'string' ? Buffer.from(data) : data
  while (rest.length > 0) rest = rest.subarray(await file.write(rest))
}
