/** @file Where the page's data come from: a server, or the report that it is part of. */
import type { Comparison } from '../../../track/compare/compare.ts'
import type { Sample } from '../../../track/compare/samples.ts'
import type { Notes } from '../../../track/notes.ts'
import type { RunRow } from '../../../track/read/run-row.ts'
import type {
  Change,
  Overview,
  RunDetail,
  SampleQuery,
  SampleReply,
  SeriesQuery,
  SeriesReply,
  SweepDetail,
} from '../../shared/wire.ts'

export interface Source {
  overview(): Promise<Overview>
  series(query: SeriesQuery, signal: AbortSignal): Promise<SeriesReply>
  detail(key: string): Promise<RunDetail>
  /** @param key of the sweep's folder */
  sweep(key: string): Promise<SweepDetail>
  compare(keys: readonly string[], signal: AbortSignal): Promise<Comparison>
  samples(query: SampleQuery, signal: AbortSignal): Promise<SampleReply>
  sample(query: SampleQuery, id: string): Promise<Sample>
  /** Hears of changes, and whether the server can be reached. */
  follow(cursor: string, onChange: (change: Change) => void, onState: (up: boolean) => void): void
  notes(key: string, change: Partial<Notes>): Promise<RunRow>
  /** Address of a report of these runs; undefined where there is none. */
  reportOf(keys: readonly string[]): string | undefined
}
