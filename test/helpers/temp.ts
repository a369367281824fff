/** @file Temporary folders that are gone after each test file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const folders: string[] = []

// Registered when a test file is read: a hook that a running test asks for is never called.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A new empty folder. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'medtune-test-'))
  folders.push(folder)
  return folder
}
