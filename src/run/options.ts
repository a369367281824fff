/** @file What a caller of `run` may hear of it and decide. */
import type { RunEvent } from '../plugin/contract.ts'
import type { Repeat } from './repeat.ts'
import type { Resume } from './resume.ts'

/** How far a part of a run is, for a status line; nothing here is recorded. */
export interface Progress {
  /** `prepare`, `download <repo>`, `train`, `evaluate base: <name>`, ... */
  readonly phase: string
  readonly done: number
  readonly total: number
  /** What is counted, where it is not plain steps. */
  readonly unit?: 'bytes'
}

export interface RunOptions {
  /** The run that this one repeats, and what is not as it was then; both are recorded. */
  readonly repeats?: Omit<Repeat, 'resolved'>
  /** The interrupted run that this one goes on with, instead of a new folder. */
  readonly resume?: Resume
  /** The trial of a sweep that it is; recorded. */
  readonly sweep?: { readonly id: string; readonly trial: string }
  /** Folder that run folders are made in; `runs` by default. */
  readonly runsDir?: string
  /** Stops the run between two batches; abort with a `Stopped` to have it recorded as stopped, not failed. */
  readonly signal?: AbortSignal
  readonly onFolder?: (path: string) => void
  readonly onEvent?: (event: RunEvent) => void
  readonly onProgress?: (progress: Progress) => void
}
