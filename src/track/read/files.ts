/**
 * @file Reads files of a run folder and nothing else: what a link inside it points to elsewhere, what is no
 * regular file and what is far too large are not read.
 */
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { isObject, type JsonObject } from '../../util/json-object.ts'

/** Largest run.json, resolved.json, report.json or recipe that is read, bytes. */
const LARGEST = 16e6

/** Whether a file is missing, is refused or cannot be read; never an exception of the file system. */
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

/** Opens a file of `folder`, or says why not. The caller closes it. */
export async function openInside(folder: string, ...parts: readonly string[]): Promise<Read<FileHandle>> {
  const file = join(folder, ...parts)
  try {
    const [home, real] = await Promise.all([realpath(folder), realpath(file)])
    if (!real.startsWith(home + sep)) return { ok: false, why: 'it is a link out of the run folder' }
    // A pipe or a device would block whoever opens it.
    if (!(await lstat(real)).isFile()) return { ok: false, why: 'it is not a regular file' }
    return { ok: true, value: await open(real, 'r') }
  } catch (error) {
    return { ok: false, why: reason(error) }
  }
}

export async function readInside(folder: string, ...parts: readonly string[]): Promise<Read<string>> {
  const opened = await openInside(folder, ...parts)
  if (!opened.ok) return opened
  try {
    const { size } = await opened.value.stat()
    if (size > LARGEST) return { ok: false, why: `it has ${size} bytes, more than ${LARGEST}` }
    return { ok: true, value: await opened.value.readFile('utf8') }
  } catch (error) {
    return { ok: false, why: reason(error) }
  } finally {
    await opened.value.close()
  }
}

/** A JSON object of the run folder. */
export async function readObject(folder: string, name: string): Promise<Read<JsonObject>> {
  const text = await readInside(folder, name)
  if (!text.ok) return text
  try {
    const value: unknown = JSON.parse(text.value)
    if (isObject(value)) return { ok: true, value }
    return { ok: false, why: 'it holds no JSON object' }
  } catch {
    return { ok: false, why: 'it is not valid JSON' }
  }
}

function reason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing'
  return code === 'EACCES' ? 'permission denied' : `it cannot be read (${code ?? 'unknown error'})`
}
