/** @file Whether what a run used and wrote is still what it was: every file hashed again, the software compared. */
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { contentHash } from '../recipe/hash.ts'
import { lockfile, versions } from '../track/environment.ts'
import { gitState, hardware } from '../track/hardware.ts'
import type { UsedFile } from '../track/provenance.ts'
import type { RunRecord } from '../track/run-folder.ts'
import { InputError } from '../util/errors.ts'
import { hashFile, hashFileOnce } from '../util/file-hash.ts'
import { meantFolder } from '../util/meant-folder.ts'

export interface FileCheck {
  readonly role: string
  readonly path: string
  /** `unrecorded`: the run could not read it either. */
  readonly status: 'same' | 'changed' | 'missing' | 'unrecorded'
  /** SHA-256 (hex) that the run noted, and that of today. */
  readonly recorded?: string
  readonly found?: string
}

/** Something that is not a file and differs: a version, the commit, the machine. */
export interface Difference {
  readonly what: string
  readonly recorded: string
  readonly found: string
}

export interface Verification {
  readonly run: string
  readonly name: string
  readonly status: RunRecord['status']
  /** Whether every file, and the recipe, is as it was. Software that differs does not count. */
  readonly ok: boolean
  readonly files: readonly FileCheck[]
  readonly differences: readonly Difference[]
}

/** @throws InputError where the folder is no run's, or the run noted no hashes */
export async function verifyRun(folder: string): Promise<Verification> {
  const record = await readRunRecord(folder)
  const { inputs, outputs } = record
  if (inputs === undefined) {
    throw new InputError(
      `${join(folder, 'run.json')}: holds no hashes of what the run read; it ended before its data was read, or an earlier version of medtune wrote it`,
    )
  }
  const files = [await checkRecipe(folder, record)]
  for (const input of inputs) files.push(await checkFile(input, input.path))
  for (const output of outputs ?? []) files.push(await checkFile(output, join(folder, output.path)))
  return {
    run: resolve(folder),
    name: record.name,
    status: record.status,
    ok: files.every(({ status }) => status === 'same' || status === 'unrecorded'),
    files,
    differences: await differencesOf(record),
  }
}

/** Input files that are no longer what the run read, by a hash that is kept: for a run that is repeated. */
export async function changedInputs({
  inputs = [],
}: Pick<RunRecord, 'inputs'>): Promise<readonly FileCheck[]> {
  const checks = await Promise.all(inputs.map((input) => checkFile(input, input.path, hashFileOnce)))
  return checks.filter(({ status }) => status === 'changed' || status === 'missing')
}

/** What of software and machine is not as it was. */
export async function differencesOf(record: RunRecord): Promise<readonly Difference[]> {
  const [now, machine, git, lock] = [versions(), hardware(), await gitState(process.cwd()), await lockfile()]
  const recorded = record.versions ?? {}
  const names = [...new Set([...Object.keys(recorded), ...Object.keys(now)])]
  const pairs: [string, unknown, unknown][] = [
    ...names.map((name): [string, unknown, unknown] => [name, recorded[name], now[name]]),
    ['lockfile', record.lockfile?.sha256.slice(0, 12), lock?.sha256.slice(0, 12)],
    ['git commit', record.git?.commit.slice(0, 12), git?.commit.slice(0, 12)],
    ['uncommitted changes', record.git?.dirty, git?.dirty],
    ['processor', record.hardware.cpu, machine.cpu],
    ['cores', record.hardware.cores, machine.cores],
    ['platform', record.hardware.platform, machine.platform],
  ]
  return pairs
    .filter(([, before, after]) => before !== after)
    .map(([what, before, after]) => ({ what, recorded: told(before), found: told(after) }))
}

/** run.json of a run's folder. @throws InputError where there is none */
export async function readRunRecord(folder: string): Promise<RunRecord> {
  const file = join(folder, 'run.json')
  try {
    return JSON.parse(await readFile(file, 'utf8')) as RunRecord
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const there = await stat(folder).catch(() => undefined)
      throw new InputError(
        there
          ? `${folder}: is no run folder, it has no run.json${meantFolder(folder)}`
          : `${folder}: no such folder${meantFolder(folder) || '; give the folder of a run, such as runs/<time>-<name>-<hash>'}`,
      )
    }
    throw new InputError(`${file}: cannot be read: ${message}`)
  }
}

const told = (value: unknown): string => (value === undefined ? 'none' : String(value))

/** The recorded recipe against the hash that the run took of it. */
async function checkRecipe(folder: string, { hash }: RunRecord): Promise<FileCheck> {
  const check = { role: 'recipe', path: 'resolved.json', recorded: hash }
  try {
    const { recipe } = JSON.parse(await readFile(join(folder, 'resolved.json'), 'utf8'))
    const found = contentHash(recipe)
    return { ...check, status: found === hash ? 'same' : 'changed', found }
  } catch (error) {
    return { ...check, status: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'changed' }
  }
}

async function checkFile(
  { role, path, sha256, size }: UsedFile,
  file: string,
  hash: typeof hashFile = hashFile,
): Promise<FileCheck> {
  if (sha256 === undefined) return { role, path, status: 'unrecorded' }
  const check = { role, path, recorded: sha256 }
  try {
    if ((await stat(file)).size !== size) return { ...check, status: 'changed' }
    const found = (await hash(file)).sha256
    return { ...check, status: found === sha256 ? 'same' : 'changed', found }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { ...check, status: code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'changed' }
  }
}
