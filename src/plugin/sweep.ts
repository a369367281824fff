/**
 * @file What the plugins of a sweep create: samplers propose values, pruners end trials early, executors start
 * them somewhere. For the first two lower is always better: a goal of `maximize` is turned round before they see it.
 */

// ---------------------------------------------------------------------------------- what is searched

/** Where the values of one parameter come from. */
export type Distribution =
  | {
      readonly kind: 'categorical'
      /** Any values of a recipe, mappings and lists too; no two are equal. */
      readonly values: readonly unknown[]
      /** One for each value, summing to 1; all alike where left out. */
      readonly weights?: readonly number[]
    }
  | {
      readonly kind: 'float' | 'int'
      /** Both ends belong to the range. */
      readonly min: number
      readonly max: number
      /** `log`: every factor is as likely as every other; `min` is then above 0. */
      readonly scale: 'linear' | 'log'
      /** Only min, min + step, min + 2 step, ...; 1 for whole numbers. */
      readonly step?: number
    }

/** The parameter is part of a trial only where the one at `path` has one of these values. */
export interface Condition {
  readonly path: string
  readonly values: readonly unknown[]
}

export interface SweepParameter {
  /** The key of the recipe that it sets, such as `adapter.rank`. */
  readonly path: string
  readonly distribution: Distribution
  /** All must hold. What they name stands before this parameter in the space. */
  readonly when: readonly Condition[]
}

export type Space = readonly SweepParameter[]

/** A trial's values by path; a parameter whose conditions do not hold is not among them. */
export type Params = Readonly<Record<string, unknown>>

// ---------------------------------------------------------------------------------- samplers

/** A trial as a sampler sees it. */
export interface PastTrial {
  readonly index: number
  readonly params: Params
  readonly status: 'running' | 'done' | 'pruned' | 'failed'
  /** Lower is better; left out while it runs and where it failed. */
  readonly value?: number
}

export interface Question {
  readonly space: Space
  readonly seed: number
  /** Which trial this is for, from 0. */
  readonly index: number
  /** How many proposals for this trial were turned down, since they were tried before. */
  readonly draw: number
  /** All trials before it, by index. */
  readonly trials: readonly PastTrial[]
}

export interface Sampler {
  /** Whether it learns from results: its trials are asked for one by one, as workers become free. */
  readonly adaptive: boolean
  /** Throws an OptionError for a space that it cannot search. */
  check?(space: Space): void
  /** How many proposals there are in all, where they come to an end. */
  size?(space: Space): number
  /** The same question has the same answer, so that a resumed sweep goes on as it would have. */
  ask(question: Question): Params
}

// ---------------------------------------------------------------------------------- pruners

export interface Reports {
  readonly index: number
  /** By rising step; lower is better. Never NaN. */
  readonly reports: readonly { readonly step: number; readonly value: number }[]
}

export interface Pruner {
  /** Why the trial should end at its last report; undefined lets it go on. */
  prune(trial: Reports, others: readonly Reports[]): string | undefined
}

// ---------------------------------------------------------------------------------- executors

/** One attempt at a trial, as an executor gets it. */
export interface TrialJob {
  /** `<sweep>-<trial>-<attempt>`: letters, digits and "-"; no two jobs share it. */
  readonly id: string
  /** Absolute path of the job's file: all that the command needs. */
  readonly file: string
  /** Program and arguments that run the job and write its result beside its file. */
  readonly command: readonly string[]
  /** Where what the command prints goes. */
  readonly log: string
}

/**
 * What an executor knows of a job: it waits for a place, it runs, or it is gone and will never write a result.
 * `unknown` leaves it to the job's own sign of life.
 */
export type JobState = 'queued' | 'running' | 'gone' | 'unknown'

export interface TrialExecutor {
  /** Jobs that it takes in beyond those that run, to wait there in line; none where left out. */
  readonly ahead?: number
  /** Takes jobs in; several at once where the sampler does not learn. Throws where none can be started at all. */
  submit(jobs: readonly TrialJob[]): Promise<void>
  poll(jobs: readonly TrialJob[]): Promise<ReadonlyMap<string, JobState>>
  /** Ends a job that did not stop by itself when asked to. */
  cancel(job: TrialJob): Promise<void>
  /** The end of what a job printed, to say why it failed. */
  logs(job: TrialJob): Promise<string>
  /** Gives back what the executor holds; `over` where the sweep has ended and nothing will be submitted again. */
  close(over: boolean): Promise<void>
}

export interface SweepSite {
  /** Identifies the sweep among others on the same cluster or queue. */
  readonly sweep: string
  /** The sweep's folder. */
  readonly folder: string
  /** How many trials may run at once. */
  readonly workers: number
  /** Seconds without a sign of life after which a job counts as lost. */
  readonly lease: number
  /** Whether trials come one by one. */
  readonly adaptive: boolean
  /** Program and arguments before a command's own: `[...medtune, 'worker', ...]`. */
  readonly medtune: readonly string[]
}

/** What an `executor` plugin creates: opened once the sweep has a folder. */
export interface TrialExecutorSource {
  open(site: SweepSite): Promise<TrialExecutor>
}
