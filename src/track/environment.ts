/** @file The software that a run stands on: versions of medtune, Node and every library, and the lockfile that chose them. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type FileHash, hashFile } from '../util/file-hash.ts'
import { packageRoot } from '../util/package.ts'

/** Name -> version. `node` and `medtune` come first; a library that is not installed is left out. */
export type Versions = Readonly<Record<string, string>>

const LOCKFILES = ['npm-shrinkwrap.json', 'package-lock.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock']

/** Versions as installed, read from the packages themselves; nothing is imported. */
export function versions(root = packageRoot()): Versions {
  const own = readPackage(root)
  const names = Object.keys(own?.dependencies ?? {}).sort()
  const found = names.map((name) => [name, installedVersion(root, name)] as const)
  return {
    node: process.version.slice(1),
    medtune: own?.version ?? 'unknown',
    ...Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== undefined)),
  }
}

/** The nearest lockfile at or above the package: its own in a checkout, that of the project it is installed in else. */
export async function lockfile(
  root = packageRoot(),
): Promise<({ readonly path: string } & FileHash) | undefined> {
  for (const folder of upwards(root)) {
    const path = LOCKFILES.map((name) => join(folder, name)).find((file) => existsSync(file))
    if (path !== undefined) return { path, ...(await hashFile(path)) }
  }
  return undefined
}

function installedVersion(root: string, name: string): string | undefined {
  for (const folder of upwards(root)) {
    const found = readPackage(join(folder, 'node_modules', name))
    if (found !== undefined) return found.version
  }
  return undefined
}

function* upwards(start: string): Generator<string> {
  for (let folder = start; ; folder = dirname(folder)) {
    yield folder
    if (dirname(folder) === folder) return
  }
}

interface PackageFile {
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
}

function readPackage(folder: string): PackageFile | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFile
  } catch {
    return undefined
  }
}
