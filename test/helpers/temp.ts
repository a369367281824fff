/** @file Temporary folders that are gone after each test file. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const folders: string[] = []

// Registered when a test file is read: a hook that a running test asks for is never called.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Memory that serves as a disk, where there is any: for tests that sync a great deal and do not ask whether it helped. */
export const MEMORY_DISK = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A new empty folder. */
export function tempFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'medtune-test-'))
  folders.push(folder)
  return folder
}
