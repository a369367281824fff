/** @file The result of an attempt whose run finished, but which was killed before it could say so. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunEvent } from '../plugin/contract.ts'
import { readBeat, readSheet, type TrialResult } from './board.ts'
import { Measures } from './measures.ts'

/** What the run's own folder says; undefined where it did not finish. */
export function finishedRun(sweepFolder: string, file: string): TrialResult | undefined {
  const run = readBeat(file)?.run
  if (run === undefined) return undefined
  const folder = join(sweepFolder, run)
  const record = json(join(folder, 'run.json')) as { readonly status?: string } | undefined
  const report = json(join(folder, 'report.json')) as { readonly seconds: number } | undefined
  if (record?.status !== 'done' || !report) return undefined
  const measures = new Measures(readSheet(file))
  for (const line of readFileSync(join(folder, 'events.jsonl'), 'utf8').split('\n')) {
    if (line !== '') measures.take(JSON.parse(line) as RunEvent)
  }
  measures.takeReport(report)
  return { status: 'done', ...measures.result(), run, seconds: report.seconds }
}

function json(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
