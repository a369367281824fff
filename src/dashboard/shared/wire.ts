/** @file What server and page say to each other. Pure: both import it. */
import type { Space } from '../../plugin/contract.ts'
import type { Mark } from '../../track/read/columns.ts'
import type { RunRow } from '../../track/read/run-row.ts'
import type { Window } from '../../track/series.ts'
import type { SweepMetric, Trial, TrialStatus } from '../../track/sweep-journal.ts'

/** x axes of a chart. */
export type XAxis = 'step' | 'tokens' | 'time' | 'epoch'
export const X_AXES: readonly XAxis[] = ['step', 'tokens', 'time', 'epoch']

export interface Overview {
  /** Name of the folder, without its path. */
  readonly title: string
  readonly version: string
  readonly readOnly: boolean
  readonly rows: readonly RunRow[]
  /** Newest first. */
  readonly sweeps: readonly SweepRow[]
  /** Where the stream of changes goes on. */
  readonly cursor: string
  /** Set in an exported report: when it was made, and how many buckets its curves were thinned to. */
  readonly exported?: { readonly time: string; readonly buckets: number }
}

/** One message of the stream. */
export interface Change {
  readonly rows: readonly RunRow[]
  /** Ids of runs that are gone. */
  readonly removed: readonly string[]
  readonly sweeps?: readonly SweepRow[]
  /** Folders of sweeps that are gone. */
  readonly removedSweeps?: readonly string[]
  /** The server started anew: everything is to be read again. */
  readonly reset?: boolean
}

export interface SeriesQuery {
  readonly keys: readonly string[]
  readonly metric: string
  readonly x: XAxis
  /** NaN: as far as the data go. */
  readonly from: number
  readonly to: number
  readonly buckets: number
  readonly log: boolean
  readonly smoothing: number
}

/** Curves of several runs in one window; those that were thinned share the grid of the window. */
export interface SeriesReply {
  readonly window: Window
  readonly series: readonly SeriesPart[]
}

export interface SeriesPart {
  readonly key: string
  readonly x: Float64Array
  readonly y: Float64Array
  readonly smooth?: Float64Array
  readonly thinned: boolean
  /** Values of the whole run that are not finite. */
  readonly odd: number
  readonly marks: readonly SeriesMark[]
}

/** A checkpoint or an evaluation on the x axis. */
export interface SeriesMark {
  readonly type: string
  readonly x: number
  readonly text: string
}

export interface RunDetail {
  readonly id: string
  /** The recipe as written. */
  readonly recipe: string
  readonly marks: readonly Mark[]
  /** The end of the error that a failed run left. */
  readonly error: string
}

/** How a sweep stands. */
export interface SweepRow {
  /** Its folder below the folder of runs; empty where it is that folder. */
  readonly folder: string
  /** What runs of its trials name it by. */
  readonly id: string
  readonly name: string
  /** running, done, stopped, failed; `crashed` where nobody runs it, `unreadable` where its journal is damaged. */
  readonly status: string
  readonly reason?: string
  readonly started: string
  readonly counts: Readonly<Record<TrialStatus, number>>
  /** How many trials there are to be, where that is known. */
  readonly of?: number
  /** Changes whenever anything of the sweep does. */
  readonly version: string
}

export interface SweepDetail extends SweepRow {
  readonly metric: SweepMetric
  /** Names of the plugins. */
  readonly method: string
  readonly pruner: string
  readonly space: Space
  /** Of their reports only the last. */
  readonly trials: readonly Trial[]
  /** Seconds that its sessions took. */
  readonly spent: number
}

export interface SampleQuery {
  readonly keys: readonly string[]
  readonly evaluation: string
  readonly show: 'all' | 'differing' | 'wins' | 'losses'
  /** Only items whose texts contain this. */
  readonly search: string
  readonly offset: number
  readonly limit: number
}

/** A text, cut to what a page can show at once. */
export interface Text {
  readonly text: string
  /** Characters of the whole, where it was cut. */
  readonly whole?: number
}

export interface SampleReply {
  readonly total: number
  /** How many there are of what was asked for. */
  readonly matching: number
  readonly items: readonly {
    readonly id: string
    readonly prompt: Text
    readonly reference: Text
    readonly answers: readonly (
      | (Text & { readonly score: number; readonly outcome: 'win' | 'tie' | 'loss' | null })
      | null
    )[]
  }[]
  /** Per run against the first; null for the first. */
  readonly counts: readonly ({
    readonly wins: number
    readonly ties: number
    readonly losses: number
  } | null)[]
}
