/** @file What a run stood on, as its run.json says: software, input files, rows and what it wrote. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileHash, hashFileOnce } from '../util/file-hash.ts'
import type { Versions } from './environment.ts'

/** A file that a run read, or wrote. Without a hash it could not be read. */
export interface UsedFile extends Partial<FileHash> {
  /** The part of the recipe that read it, such as `model`, `dataset` or `eval.0`; for what was written, `adapter` or `exports`. */
  readonly role: string
  /** Absolute for inputs, relative to the run's folder for what it wrote. */
  readonly path: string
}

/** A plugin that a run used. Third-party ones say where they come from. */
export interface UsedPlugin {
  readonly kind: string
  readonly name: string
  readonly package?: string
  readonly version?: string
  readonly module?: string
}

/** Fields of run.json; each is there as soon as it is known. */
export interface Provenance {
  readonly versions?: Versions
  readonly lockfile?: { readonly path: string } & FileHash
  /** Threads of one operator. */
  readonly threads?: number
  readonly plugins?: readonly UsedPlugin[]
  readonly inputs?: readonly UsedFile[]
  /** SHA-256 (hex) of the rows of each split as the template rendered them, in their order. */
  readonly rows?: Readonly<Record<string, string>>
  readonly outputs?: readonly UsedFile[]
  /** Folder of the run that this one repeats. */
  readonly from?: string
  readonly memory?: MemoryChoice
}

/** How the steps of a run were cut so that they fit into memory. */
export interface MemoryChoice {
  /** Bytes that the process may take. */
  readonly budget: number
  /** Bytes that it is expected to take at most; left out where the executor cannot tell. */
  readonly expected?: number
  /** Rows of a micro-batch. */
  readonly batch_size: number
  /** Micro-batches of an optimizer step. */
  readonly accumulate: number
  /** Tokens of a micro-batch at most. */
  readonly tokens: number
  /** Whether activations are computed again in the backward pass. */
  readonly recompute: boolean
}

/** The hashes of input files, known ones from the cache. @param used path -> role */
export async function hashInputs(used: ReadonlyMap<string, string>): Promise<readonly UsedFile[]> {
  const files: UsedFile[] = []
  for (const [path, role] of used)
    for (const file of await filesAt(path)) files.push(await hashed(role, file))
  return files
}

/** The hashes of what a run wrote below `parts` of its folder. */
export async function hashOutputs(folder: string, parts: readonly string[]): Promise<readonly UsedFile[]> {
  const files: UsedFile[] = []
  for (const part of parts) {
    for (const path of await filesBelow(folder, part)) {
      const { role, ...rest } = await hashed(part, join(folder, path))
      files.push({ ...rest, role, path })
    }
  }
  return files
}

async function hashed(role: string, path: string): Promise<UsedFile> {
  const found = await hashFileOnce(path).catch(() => ({}))
  return { role, path, ...found }
}

/** The file itself, or the plain files of a folder. */
async function filesAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ? namesIn(path).then((names) => names.map((name) => join(path, name))) : [path]
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort()
}

async function filesBelow(root: string, part: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, part), { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}
