/** @file A temporary folder of files for one test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

/** Writes files (name -> text or bytes) into a fresh folder that goes when the test ends; returns its path. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'medtune-recipe-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), content)
  }
  return folder
}

/** A recipe that is right by itself; its lines are counted on in tests. */
export const GOOD = `name: good
model: { use: gemma3, path: model }
dataset:
  use: jsonl
  path: rows.jsonl
  holdout: 2
template:
  use: gemma
  user: "{question}"
  model: "{answer}"
adapter:
  use: lora
  rank: 8
optimizer: { lr: 1e-3 }
eval: [loss]
`
