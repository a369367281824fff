/**
 * @file What is written of a sweep, and how it is read back. `sweep.jsonl` is the one truth: append-only, a line
 * an event, each on disk before anything follows from it. Only the coordinator writes it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Params, Space } from '../plugin/contract.ts'
import { InputError } from '../util/errors.ts'
import { meantFolder } from '../util/meant-folder.ts'
import { toNumber } from './json.ts'

/** A sweep folder is one that holds this file. */
export const JOURNAL = 'sweep.jsonl'
export const JOURNAL_VERSION = 1

export interface SweepMetric {
  /** `<evaluation>`, `<evaluation>.<score>`, `holdout.loss`, `train.loss`. */
  readonly name: string
  readonly goal: 'minimize' | 'maximize'
  /** Which of a trial's values counts where it is measured several times. */
  readonly take: 'last' | 'best'
  /** Once a trial reaches it, no further one is started. */
  readonly target?: number
}

/** First line of the journal: what was asked for. */
export interface SweepHeader {
  readonly type: 'sweep'
  readonly time: string
  readonly version: number
  /** Eight hex digits. */
  readonly id: string
  readonly name: string
  /** The sweep's own file, absolute. */
  readonly file: string
  readonly recipe: { readonly file: string; readonly hash: string }
  readonly metric: SweepMetric
  /** What pruners watch; a metric that is measured while a trial trains. */
  readonly watch: string
  readonly space: Space
  /** The sweep as validated, defaults filled in. */
  readonly spec: Readonly<Record<string, unknown>>
  readonly medtune: string
}

export type TrialEnd = 'done' | 'pruned'

/**
 * `failed`: by itself. `lost`: its worker went away, which is no fault of the trial as far as is known. `stopped`: it
 * ended since it was told to from outside, such as by Ctrl-C or a cluster's time limit.
 */
export type FailCause = 'failed' | 'lost' | 'stopped'

export type SweepEvent =
  | SweepHeader
  /** A trial is decided on; from here on it exists. */
  | {
      readonly type: 'ask'
      readonly time: string
      readonly trial: string
      readonly index: number
      readonly params: Params
    }
  /** An attempt is handed to the executor. */
  | {
      readonly type: 'start'
      readonly time: string
      readonly trial: string
      readonly attempt: number
      readonly executor: string
    }
  /** The watched metric while the attempt trains. */
  | {
      readonly type: 'report'
      readonly time: string
      readonly trial: string
      readonly attempt: number
      readonly step: number
      readonly value: number
    }
  /** The pruner's decision. */
  | {
      readonly type: 'prune'
      readonly time: string
      readonly trial: string
      readonly attempt: number
      readonly reason: string
    }
  /**
   * The trial is over. `run` is its run folder, relative to the sweep's. One that was ended early has no value where
   * something else than the metric was watched.
   */
  | {
      readonly type: 'tell'
      readonly time: string
      readonly trial: string
      readonly attempt: number
      readonly status: TrialEnd
      readonly value?: number
      readonly metrics: Readonly<Record<string, number>>
      readonly seconds: number
      readonly run?: string
    }
  /** The attempt is over without a value; `final` where no other will follow. */
  | {
      readonly type: 'fail'
      readonly time: string
      readonly trial: string
      readonly attempt: number
      readonly reason: string
      readonly cause: FailCause
      readonly final: boolean
      readonly run?: string
    }
  /** Someone went on with the sweep, perhaps within other limits. */
  | { readonly type: 'resume'; readonly time: string; readonly changes: Readonly<Record<string, number>> }
  | {
      readonly type: 'end'
      readonly time: string
      readonly status: 'done' | 'stopped' | 'failed'
      readonly reason: string
    }

export type TrialStatus = 'waiting' | 'running' | 'done' | 'pruned' | 'failed'

export interface Trial {
  /** `<index>-<hash of its values>`. */
  readonly id: string
  readonly index: number
  readonly params: Params
  readonly status: TrialStatus
  /** The attempt that runs, or ran last; 0 before the first. */
  readonly attempt: number
  /** Attempts that failed by themselves, and that lost their worker. */
  readonly failures: number
  readonly losses: number
  readonly value?: number
  readonly metrics: Readonly<Record<string, number>>
  readonly reports: readonly { readonly step: number; readonly value: number }[]
  /** Why it was ended early, or why its last attempt failed. */
  readonly reason?: string
  readonly cause?: FailCause
  readonly run?: string
  readonly asked: string
  readonly started?: string
  readonly ended?: string
  readonly seconds?: number
}

export interface SweepState {
  readonly header: SweepHeader
  /** By index. */
  readonly trials: readonly Trial[]
  /** The last `end`, unless the sweep went on after it. */
  readonly end?: Extract<SweepEvent, { type: 'end' }>
  /** Limits that a resume changed. */
  readonly changes: Readonly<Record<string, number>>
  /** Seconds that its sessions took, from the first line of each to its last. */
  readonly spent: number
  /** Bytes of whole lines: what lies behind was torn by a crash. */
  readonly bytes: number
}

/** Whether a folder is a sweep's. */
export function isSweepFolder(folder: string): boolean {
  return existsSync(join(folder, JOURNAL))
}

/**
 * Reads a sweep's journal as far as it goes; a torn last line is left out.
 * @throws InputError where there is none, or a whole line is no event
 */
export function readSweep(folder: string): SweepState {
  const file = join(folder, JOURNAL)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new InputError(
      missing
        ? `${folder} is no sweep folder: it has no ${JOURNAL}${meantFolder(folder)}`
        : `${file}: ${(error as Error).message}`,
    )
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const events = whole
    .split('\n')
    .slice(0, -1)
    .map((line, i) => parseLine(line, `${file}:${i + 1}`))
  return { ...replay(events, file), bytes: Buffer.byteLength(whole) }
}

function parseLine(line: string, place: string): SweepEvent {
  let event: SweepEvent
  try {
    event = JSON.parse(line)
  } catch {
    throw new InputError(`${place}: is not JSON; the journal was changed by hand or is damaged`)
  }
  if (typeof event !== 'object' || event === null || typeof event.type !== 'string')
    throw new InputError(`${place}: is no event of a sweep`)
  return event
}

/** What the events come to. */
export function replay(events: readonly SweepEvent[], file = JOURNAL): Omit<SweepState, 'bytes'> {
  const [header, ...rest] = events
  const state = new Replay(header, file)
  for (const event of rest) state.take(event)
  return state.now()
}

/** What a journal comes to, event by event. Events of a type that is not known (from a newer version) are passed over. */
export class Replay {
  readonly header: SweepHeader
  private readonly trials = new Map<string, Trial>()
  private end: SweepState['end']
  private changes: SweepState['changes'] = {}
  private spent = 0
  private since: string
  private last: string

  /** @throws InputError where the first event is no header, or one of a newer version */
  constructor(first: SweepEvent | undefined, file = JOURNAL) {
    if (first?.type !== 'sweep') throw new InputError(`${file}:1: does not begin with a sweep's header`)
    if (first.version > JOURNAL_VERSION)
      throw new InputError(
        `${file}:1: version ${first.version} of the journal is newer than this medtune (${JOURNAL_VERSION}); update it`,
      )
    this.header = first
    this.since = this.last = first.time
  }

  take(event: SweepEvent): void {
    if (event.type === 'end') this.end = event
    if (event.type === 'resume') {
      this.end = undefined
      this.changes = { ...this.changes, ...event.changes }
      this.spent += secondsBetween(this.since, this.last)
      this.since = event.time
    }
    this.last = event.time
    if (!('trial' in event)) return
    const next = advance(this.trials.get(event.trial), event)
    if (next) this.trials.set(event.trial, next)
  }

  now(): Omit<SweepState, 'bytes'> {
    const { header, changes, end } = this
    const trials = [...this.trials.values()].sort((a, b) => a.index - b.index)
    const spent = this.spent + secondsBetween(this.since, this.last)
    return { header, trials, changes, spent, ...(end ? { end } : {}) }
  }
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000
}

type TrialEvent = Extract<SweepEvent, { trial: string }>

/** A trial after one more event; undefined for an event of a trial that was never asked for. */
export function advance(trial: Trial | undefined, event: TrialEvent): Trial | undefined {
  if (event.type === 'ask') {
    const { trial: id, index, params, time } = event
    return {
      id,
      index,
      params,
      status: 'waiting',
      attempt: 0,
      failures: 0,
      losses: 0,
      metrics: {},
      reports: [],
      asked: time,
    }
  }
  return trial && step(trial, event)
}

function step(trial: Trial, event: Exclude<TrialEvent, { type: 'ask' }>): Trial {
  const { time } = event
  switch (event.type) {
    case 'start': {
      const { reason: _, cause: __, ...rest } = trial
      return { ...rest, status: 'running', attempt: event.attempt, reports: [], started: time }
    }
    case 'report': {
      const report = { step: event.step, value: toNumber(event.value) ?? Number.NaN }
      return { ...trial, reports: [...trial.reports, report] }
    }
    case 'prune':
      return { ...trial, reason: event.reason }
    case 'tell': {
      const { status, value, metrics, seconds, run } = event
      const measured = value === undefined ? {} : { value: toNumber(value) ?? Number.NaN }
      return { ...trial, status, ...measured, metrics, seconds, ended: time, ...(run ? { run } : {}) }
    }
    case 'fail': {
      const { cause, final, reason, run } = event
      return {
        ...trial,
        status: final ? 'failed' : 'waiting',
        failures: trial.failures + (cause === 'failed' ? 1 : 0),
        losses: trial.losses + (cause === 'lost' ? 1 : 0),
        reason,
        cause,
        ...(final ? { ended: time } : {}),
        ...(run ? { run } : {}),
      }
    }
    default:
      return trial
  }
}
