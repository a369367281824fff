/**
 * @file File operations that fail when told to, or that note what they did so that a crash after any of them can
 * be played through: which writes and names that nobody had synced were lost.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type FsOps, fsOps } from '../../src/util/fs-ops.ts'

export type FaultCode = 'EIO' | 'ENOSPC' | 'EMFILE' | 'short'

export interface Fault {
  /** Which operation fails, from 1. */
  readonly at: number
  readonly code: FaultCode
  /** Whether everything behind it fails too. */
  readonly forGood: boolean
}

/** Counts operations and makes them fail. */
export class FaultyFs implements FsOps {
  /** Operations so far. */
  count = 0
  /** Whether the fault has come. */
  met = false
  private readonly fault: Fault | undefined
  private readonly base = fsOps()
  /** Files whose sync failed, to catch a second attempt. */
  readonly failedSyncs = new Set<string>()
  readonly retriedSyncs: string[] = []

  constructor(fault?: Fault) {
    this.fault = fault
  }

  private step(what: string): FaultCode | undefined {
    this.count++
    const { at, code, forGood } = this.fault ?? { at: -1 }
    const due = this.count === at || (forGood === true && this.count > (at ?? 0))
    if (!due || code === undefined) return undefined
    this.met = true
    if (code === 'short' && what === 'write') return 'short'
    throw failure(code === 'short' ? 'ENOSPC' : code, what)
  }

  private sync(file: string): void {
    if (this.failedSyncs.has(file)) this.retriedSyncs.push(file)
    try {
      this.step('fsync')
    } catch (error) {
      this.failedSyncs.add(file)
      throw error
    }
  }

  create: FsOps['create'] = async (file) => {
    this.step('open')
    const made = await this.base.create(file)
    return {
      write: async (bytes) => {
        // A short write takes half of it, at least a byte; the rest is for the next one.
        const short = this.step('write') === 'short'
        return made.write(short ? bytes.subarray(0, Math.max(1, bytes.length >> 1)) : bytes)
      },
      sync: async () => {
        this.sync(file)
        await made.sync()
      },
      close: async () => {
        await made.close()
        this.step('close')
      },
    }
  }

  append: FsOps['append'] = (file) => {
    this.step('open')
    const made = this.base.append(file)
    return {
      write: (bytes) => {
        const short = this.step('write') === 'short'
        return made.write(short ? bytes.subarray(0, Math.max(1, bytes.length >> 1)) : bytes)
      },
      sync: () => {
        this.sync(file)
        made.sync()
      },
      close: () => made.close(),
    }
  }

  mkdir: FsOps['mkdir'] = async (folder) => {
    this.step('mkdir')
    await this.base.mkdir(folder)
  }
  rename: FsOps['rename'] = async (from, to) => {
    this.step('rename')
    await this.base.rename(from, to)
  }
  link: FsOps['link'] = async (file, name) => {
    this.step('link')
    await this.base.link(file, name)
  }
  unlink: FsOps['unlink'] = async (file) => {
    this.step('unlink')
    await this.base.unlink(file)
  }
  remove: FsOps['remove'] = async (path) => {
    this.step('remove')
    await this.base.remove(path)
  }
  syncFile: FsOps['syncFile'] = async (file) => {
    this.sync(file)
    await this.base.syncFile(file)
  }
  syncFolder: FsOps['syncFolder'] = async (folder) => {
    this.sync(folder)
    await this.base.syncFolder(folder)
  }
}

function failure(code: Exclude<FaultCode, 'short'>, what: string): Error {
  const texts = {
    EIO: 'i/o error',
    ENOSPC: 'no space left on device',
    EMFILE: 'too many open files',
  }
  return Object.assign(new Error(`${code}: ${texts[code]}, ${what}`), { code })
}

// ------------------------------------------------------------------------------------ crashes

type Inode = number
type Done =
  | { readonly op: 'create' | 'mkdir'; readonly path: string; readonly inode: Inode }
  | { readonly op: 'write'; readonly inode: Inode; readonly at: number; readonly bytes: Uint8Array }
  | { readonly op: 'sync'; readonly inode: Inode }
  | { readonly op: 'syncFolder'; readonly path: string }
  | { readonly op: 'rename'; readonly from: string; readonly to: string }
  | { readonly op: 'remove'; readonly path: string }

/** Does everything for real and notes it. Paths are kept relative to `root`. */
export class NotingFs implements FsOps {
  readonly log: Done[] = []
  private readonly root: string
  private readonly base = fsOps()
  private readonly inodes = new Map<string, Inode>()
  private next = 0

  /** @param existing files that are there and durable before anything is noted */
  constructor(root: string, existing: readonly { readonly path: string; readonly bytes: Uint8Array }[] = []) {
    this.root = root
    for (const { path, bytes } of existing) {
      this.makeParents(dirname(path))
      const inode = this.note('create', path)
      this.log.push({ op: 'write', inode, at: 0, bytes }, { op: 'sync', inode })
      this.log.push({ op: 'syncFolder', path: dirname(path) })
    }
    this.before = this.log.length
  }

  /** Length of the log before the first operation that was asked for. */
  readonly before: number

  private makeParents(path: string): void {
    if (path === '.' || this.inodes.has(path)) return
    this.makeParents(dirname(path))
    this.note('mkdir', path)
    this.log.push({ op: 'syncFolder', path: dirname(path) })
  }

  private path(path: string): string {
    return relative(this.root, path)
  }

  private note(op: 'create' | 'mkdir', path: string): Inode {
    const inode = this.next++
    this.inodes.set(path, inode)
    this.log.push({ op, path, inode })
    return inode
  }

  create: FsOps['create'] = async (file) => {
    const made = await this.base.create(file)
    const inode = this.note('create', this.path(file))
    let at = 0
    return {
      write: async (bytes) => {
        const count = await made.write(bytes)
        // In two halves: a crash may leave one of them.
        const half = count >> 1
        for (const [from, to] of [
          [0, half],
          [half, count],
        ] as const)
          if (to > from) this.log.push({ op: 'write', inode, at: at + from, bytes: bytes.slice(from, to) })
        at += count
        return count
      },
      sync: async () => {
        await made.sync()
        this.log.push({ op: 'sync', inode })
      },
      close: () => made.close(),
    }
  }
  append: FsOps['append'] = () => {
    throw new Error('not played through')
  }
  mkdir: FsOps['mkdir'] = async (folder) => {
    await this.base.mkdir(folder)
    this.note('mkdir', this.path(folder))
  }
  rename: FsOps['rename'] = async (from, to) => {
    await this.base.rename(from, to)
    const [old, name] = [this.path(from), this.path(to)]
    this.log.push({ op: 'rename', from: old, to: name })
    for (const [path, inode] of [...this.inodes]) {
      if (path !== old && !path.startsWith(`${old}/`)) continue
      this.inodes.delete(path)
      this.inodes.set(name + path.slice(old.length), inode)
    }
  }
  link: FsOps['link'] = async () => {
    throw new Error('not played through')
  }
  unlink: FsOps['unlink'] = async (file) => {
    await this.base.unlink(file)
    this.log.push({ op: 'remove', path: this.path(file) })
  }
  remove: FsOps['remove'] = async (path) => {
    await this.base.remove(path)
    // A folder goes file by file, the folders last.
    const inner = [...this.inodes.keys()].filter((name) => name.startsWith(`${this.path(path)}/`))
    for (const name of [...inner.sort().reverse(), this.path(path)]) {
      if (!this.inodes.delete(name)) continue
      this.log.push({ op: 'remove', path: name })
    }
  }
  syncFile: FsOps['syncFile'] = async (file) => {
    await this.base.syncFile(file)
    this.log.push({ op: 'sync', inode: this.inodes.get(this.path(file))! })
  }
  syncFolder: FsOps['syncFolder'] = async (folder) => {
    await this.base.syncFolder(folder)
    this.log.push({ op: 'syncFolder', path: this.path(folder) || '.' })
  }
}

/** Whether something that was not synced survives, asked in the order of the log. */
export type Fate = () => boolean

type Name = { readonly folder: Inode | 'root'; readonly name: string }

interface Change {
  readonly remove?: Name
  readonly add?: Name & { readonly inode: Inode }
}

/**
 * What a disk may hold after a crash behind the first `length` operations of a log, written out below `target`:
 * synced content and names are there; of all others, in any folder, each is there or not as `survives` says. An
 * unsynced write that is lost leaves zeros where something later was kept, or a shorter file.
 */
export function afterCrash(log: readonly Done[], length: number, survives: Fate, target: string): void {
  const disk = new Disk()
  for (const done of log.slice(0, length)) disk.apply(done)
  disk.crash(survives)
  disk.write(target)
}

/** A disk as POSIX promises it: nothing is durable but what was synced. */
class Disk {
  private readonly folders = new Set<Inode>()
  private readonly content = new Map<Inode, { at: number; bytes: Uint8Array; synced: boolean }[]>()
  /** Names as a running program sees them. */
  private readonly seen = new Map<Inode | 'root', Map<string, Inode>>([['root', new Map()]])
  /** Names that are durable. */
  private readonly durable = new Map<Inode | 'root', Map<string, Inode>>([['root', new Map()]])
  private pending: Change[] = []

  apply(done: Done): void {
    switch (done.op) {
      case 'create':
      case 'mkdir': {
        if (done.op === 'mkdir') this.folders.add(done.inode)
        if (done.op === 'mkdir')
          for (const table of [this.seen, this.durable]) table.set(done.inode, new Map())
        else this.content.set(done.inode, [])
        this.change({ add: { ...this.place(done.path), inode: done.inode } })
        return
      }
      case 'write':
        this.content.get(done.inode)!.push({ at: done.at, bytes: done.bytes, synced: false })
        return
      case 'sync':
        for (const write of this.content.get(done.inode)!) write.synced = true
        return
      case 'syncFolder': {
        const folder = this.folderAt(done.path)
        const mine = (change: Change) => change.add?.folder === folder || change.remove?.folder === folder
        for (const change of this.pending.filter(mine)) this.settle(change)
        this.pending = this.pending.filter((change) => !mine(change))
        return
      }
      case 'rename': {
        const [from, to] = [this.place(done.from), this.place(done.to)]
        const inode = this.seen.get(from.folder)!.get(from.name)!
        this.change({ remove: from, add: { ...to, inode } })
        return
      }
      case 'remove':
        this.change({ remove: this.place(done.path) })
        return
    }
  }

  crash(survives: Fate): void {
    for (const change of this.pending) if (survives()) this.settle(change)
    for (const [inode, writes] of this.content) {
      const kept = writes.filter((write) => write.synced || survives())
      this.content.set(inode, kept)
    }
  }

  write(target: string, folder: Inode | 'root' = 'root'): void {
    mkdirSync(target, { recursive: true })
    for (const [name, inode] of this.durable.get(folder)!) {
      if (this.folders.has(inode)) this.write(join(target, name), inode)
      else writeFileSync(join(target, name), this.bytes(inode))
    }
  }

  private bytes(inode: Inode): Uint8Array {
    const writes = this.content.get(inode)!
    const bytes = new Uint8Array(Math.max(0, ...writes.map((write) => write.at + write.bytes.length)))
    for (const write of writes) bytes.set(write.bytes, write.at)
    return bytes
  }

  private change(change: Change): void {
    this.pending.push(change)
    if (change.remove) this.seen.get(change.remove.folder)!.delete(change.remove.name)
    if (change.add) this.seen.get(change.add.folder)!.set(change.add.name, change.add.inode)
  }

  private settle({ remove, add }: Change): void {
    if (remove) this.durable.get(remove.folder)!.delete(remove.name)
    if (add) this.durable.get(add.folder)!.set(add.name, add.inode)
  }

  private place(path: string): Name {
    return { folder: this.folderAt(dirname(path)), name: path.slice(path.lastIndexOf('/') + 1) }
  }

  private folderAt(path: string): Inode | 'root' {
    let folder: Inode | 'root' = 'root'
    if (path === '.' || path === '') return folder
    for (const part of path.split('/')) folder = this.seen.get(folder)!.get(part)!
    return folder
  }
}
