/**
 * @file Checkpoints as folders that are either whole or not there. One is made beside its place, every file
 * synced, a manifest with the hash of each written last, then the folder is renamed and its parent synced.
 */
import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { writeAtomically } from '../util/atomic.ts'
import { hashFile } from '../util/file-hash.ts'
import { fsOps } from '../util/fs-ops.ts'

export const MANIFEST = 'manifest.json'
/** Raised when an older medtune could not read what a newer one writes. */
const VERSION = 1

/** A checkpoint in the folder of a run. */
export interface CheckpointEntry {
  readonly path: string
  readonly step: number
}

interface Manifest {
  readonly version: number
  /** By path within the checkpoint, with forward slashes. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>
}

/** `40`, or `40.1` where an earlier checkpoint of step 40 still lies there. */
const NAME = /^(\d{1,15})(?:\.(\d{1,9}))?$/

/** Whether something in a run's folder of checkpoints is one, finished or not: what may be removed. */
export function isCheckpointName(name: string): boolean {
  return NAME.test(name) || /^\.\d{1,15}\.[0-9a-f]{12}\.tmp$/.test(name)
}

/**
 * Makes a checkpoint beside its place in the existing folder `parent`: all of it durable, the manifest last. Returns
 * the folder that `placeCheckpoint` takes. Where any operation fails nothing of it is left, and it may be tried again.
 * @param fill writes the files
 */
export async function draftCheckpoint(
  parent: string,
  step: number,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const fs = fsOps()
  const draft = join(parent, `.${step}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await fs.mkdir(draft)
    await fill(draft)
    const manifest = await seal(draft)
    await writeAtomically(join(draft, MANIFEST), (file) =>
      file.write(`${JSON.stringify(manifest, null, 2)}\n`),
    )
    return draft
  } catch (error) {
    await fs.remove(draft).catch(() => undefined)
    throw error
  }
}

/**
 * Gives a draft its name, durably, and returns its path. Whatever fails, the draft or the checkpoint is whole and
 * older ones are untouched; but a folder that could not be synced must not be trusted with a second attempt.
 */
export async function placeCheckpoint(draft: string, step: number): Promise<string> {
  const fs = fsOps()
  const parent = dirname(draft)
  const path = join(parent, await freeName(parent, step))
  try {
    await fs.rename(draft, path)
  } catch (error) {
    await fs.remove(draft).catch(() => undefined)
    throw error
  }
  await fs.syncFolder(parent)
  return path
}

/** Syncs every file and folder, whoever wrote it, and tells what is in them. */
async function seal(folder: string): Promise<Manifest> {
  const fs = fsOps()
  const { files, folders } = await walk(folder)
  const entries: [string, Manifest['files'][string]][] = []
  for (const file of files) {
    const path = join(folder, file)
    await fs.syncFile(path)
    const { size, sha256 } = await hashFile(path)
    entries.push([file, { bytes: size, sha256 }])
  }
  for (const inner of folders) await fs.syncFolder(join(folder, inner))
  return { version: VERSION, files: Object.fromEntries(entries) }
}

/** Paths within a folder, sorted, with forward slashes; links are neither. */
async function walk(folder: string): Promise<{ readonly files: string[]; readonly folders: string[] }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = (kept: typeof entries): string[] =>
    kept.map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/')).sort()
  return {
    files: paths(entries.filter((entry) => entry.isFile())),
    folders: paths(entries.filter((entry) => entry.isDirectory())),
  }
}

async function freeName(parent: string, step: number): Promise<string> {
  const taken = new Set(await readdir(parent))
  for (let n = 0; ; n++) {
    const name = n === 0 ? `${step}` : `${step}.${n}`
    if (!taken.has(name)) return name
  }
}

/** The checkpoints of a run by their names, the newest first; whether they are whole is not looked at. */
export async function listCheckpoints(parent: string): Promise<readonly CheckpointEntry[]> {
  const names = await readdir(parent).catch(() => [])
  return names
    .flatMap((name) => {
      const [, step, again = '0'] = NAME.exec(name) ?? []
      return step === undefined
        ? []
        : [{ path: join(parent, name), step: Number(step), again: Number(again) }]
    })
    .sort((a, b) => b.step - a.step || b.again - a.again)
    .map(({ path, step }) => ({ path, step }))
}

/** What is wrong with a checkpoint, found by reading all of it; undefined where every byte is as it was written. */
export async function damageOf(folder: string): Promise<string | undefined> {
  try {
    const manifest = await readManifest(folder)
    if (typeof manifest === 'string') return manifest
    const { files } = await walk(folder)
    for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
      // Only what lies in the folder is opened, whatever the manifest names.
      if (!files.includes(name)) return `${name} is missing`
      const path = join(folder, name)
      const { size } = await stat(path)
      if (size !== bytes) return `${name} has ${size} bytes instead of ${bytes}`
      if ((await hashFile(path)).sha256 !== sha256) return `${name} is not as it was written`
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function readManifest(folder: string): Promise<Manifest | string> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => undefined)
  if (text === undefined) return 'it has no manifest: it was never finished'
  let manifest: Partial<Manifest> | null
  try {
    manifest = JSON.parse(text) as Partial<Manifest> | null
  } catch {
    return 'its manifest is cut off'
  }
  const { version, files } = manifest ?? {}
  if (typeof version !== 'number' || typeof files !== 'object' || files === null)
    return 'its manifest is damaged'
  if (version > VERSION) return `it was written by a newer medtune (format ${version})`
  const sound = Object.values(files).every(
    (file) => Number.isSafeInteger(file?.bytes) && typeof file.sha256 === 'string',
  )
  return sound ? { version, files } : 'its manifest is damaged'
}
