/** @file `medtune compare`: what tells runs apart, and what came of it. */

import type { Comparison } from '../track/compare/compare.ts'
import { compareRuns } from '../track/compare/compare-runs.ts'
import { stringify } from '../track/json.ts'
import { ColumnStore } from '../track/read/column-store.ts'
import { pickRuns } from '../track/read/runs.ts'
import { writeAtomically } from '../util/atomic.ts'
import { UsageError } from './failure.ts'
import { readyOutFile } from './out-file.ts'

export interface CompareOptions {
  readonly runsDir: string
  readonly format: string
  readonly samples: string
  readonly json?: boolean
  readonly out?: string
}

const FORMATS: Readonly<Record<string, (comparison: Comparison) => Promise<string>>> = {
  text: async (comparison) => (await import('./compare/text.ts')).toText(comparison),
  markdown: async (comparison) => (await import('./compare/markdown.ts')).toMarkdown(comparison),
  csv: async (comparison) => (await import('./compare/csv.ts')).comparisonCsv(comparison),
  json: async (comparison) => `${stringify(comparison, 2)}\n`,
}

export async function compare(words: readonly string[], options: CompareOptions): Promise<number> {
  const format = options.json ? 'json' : options.format
  const write = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (!write) throw new UsageError(`--format ${format}: expected one of ${Object.keys(FORMATS).join(', ')}`)
  const samples = Number(options.samples)
  if (!Number.isInteger(samples) || samples < 0) {
    throw new UsageError(`--samples ${options.samples}: expected a whole number of at least 0`)
  }
  const runs = await pickRuns(options.runsDir, words)
  const twice = runs.find(
    ({ root, id }, i) => runs.findIndex((one) => one.root === root && one.id === id) < i,
  )
  if (twice) throw new UsageError(`${twice.id} is named twice`)
  if (runs.length < 2) throw new UsageError('name at least two runs to compare')
  if (options.out !== undefined) readyOutFile(options.out)
  const comparison = await compareRuns(
    runs.map(({ root, id }) => ({ root, id, store: new ColumnStore(root, { cache: false }) })),
    samples,
  )
  const text = await write(comparison)
  if (options.out === undefined) process.stdout.write(text)
  else await writeAtomically(options.out, (draft) => draft.write(text))
  return 0
}
