/** @file Temporary folders that are gone after each test file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A new empty folder. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'medtune-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
