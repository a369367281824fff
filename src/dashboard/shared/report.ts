/** @file What a report holds of its runs: enough of each that the page works as it does with a server. Pure. */
import type { ItemRow } from '../../track/compare/items.ts'
import type { Header } from '../../track/read/column-cache.ts'
import type { Overview, RunDetail, SweepDetail } from './wire.ts'

/** A run; its columns lie behind the JSON, in the order of the header, as f32 (times and steps as f64). */
export interface ReportRun {
  readonly key: string
  readonly detail: RunDetail
  readonly header: Header
  /** By evaluation: the tuned model's items, long texts cut. */
  readonly items: Readonly<Record<string, readonly ItemRow[]>>
}

export interface ReportData {
  readonly overview: Overview
  readonly runs: readonly ReportRun[]
  /** Sweeps that any of the runs is a trial of. */
  readonly sweeps: readonly SweepDetail[]
}

/** Columns that need all their digits. */
export const isExact = (column: string): boolean =>
  column === 'time' || column === 'step' || column === 'tokens_seen'

export const DATA_ID = 'medtune-report'
