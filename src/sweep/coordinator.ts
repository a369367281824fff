/**
 * @file Decides which trials there are, hands them to the executor, takes in what comes of them and writes it all
 * down. It can be killed between any two lines: what the journal says is what is, and what it does not say is
 * found out from the trials' own files.
 */
import { join } from 'node:path'
import type { JobState, PastTrial, Pruner, Sampler, TrialExecutor, TrialJob } from '../plugin/contract.ts'
import { canonicalJson, contentHash } from '../recipe/hash.ts'
import type { SweepHeader, Trial } from '../track/sweep-journal.ts'
import {
  askToStop,
  beside,
  fence,
  lifeOfHolder,
  readBeat,
  readClaim,
  readReports,
  readResult,
  type TrialResult,
  type TrialSheet,
  writeSheet,
} from './board.ts'
import { finishedRun } from './finished-run.ts'
import type { Journal, NewEvent } from './journal.ts'
import { watchGoal } from './metric.ts'
import { overridesOf } from './probe.ts'

/** Attempts of one trial that may lose their worker while a session goes on before the trial is taken to be the reason. */
const LOSSES = 5
/** Proposals for one trial that may turn out to have been tried before. */
const DRAWS = 200

export interface Limits {
  readonly trials?: number
  /** Seconds of this session after which no trial is started. */
  readonly seconds?: number
  readonly workers: number
  readonly retries: number
  readonly maxFailures?: number
  /** Seconds without a sign of life after which an attempt counts as lost. */
  readonly lease: number
}

export interface Coordination {
  /** The sweep's folder, absolute. */
  readonly folder: string
  readonly journal: Journal
  readonly sampler: Sampler
  readonly seed: number
  readonly pruner: Pruner
  readonly executor: TrialExecutor
  readonly executorName: string
  readonly limits: Limits
  /** Program and arguments that run a trial's file. */
  readonly medtune: readonly string[]
  /** Where relative paths among the values start. */
  readonly cwd: string
  /** Milliseconds between two looks. */
  readonly poll: number
  /** Asks all trials to stop and ends the session. */
  readonly signal?: AbortSignal
}

/** An attempt that runs, as far as this session knows. */
interface Flight {
  readonly trial: string
  readonly attempt: number
  readonly job: TrialJob
  reports: number
  /** The last sign of life. */
  sign: number | undefined
  /** When the last sign of life was seen, by this process's own clock. */
  seen: number
  stopped: boolean
  /** Begun by an earlier session, and not looked at by this one yet. */
  inherited: boolean
}

export interface Outcome {
  readonly status: 'done' | 'stopped' | 'failed'
  readonly reason: string
}

export class Coordinator {
  private readonly on: Coordination
  private readonly flights = new Map<string, Flight>()
  private readonly started = performance.now()
  /** Why no further trial is asked for. */
  private over: Outcome | undefined
  private seenParams: Set<string>

  constructor(on: Coordination) {
    this.on = on
    this.seenParams = new Set(on.journal.list().map(({ params }) => canonicalJson(params)))
  }

  /** Runs to the end of the sweep, or until the signal; the journal has its `end` then. */
  async run(): Promise<Outcome> {
    const { journal, executor, signal } = this.on
    await this.recover()
    for (;;) {
      await this.look()
      if (signal?.aborted) break
      await this.fill()
      if (this.flights.size === 0) break
      await pause(this.on.poll, signal)
    }
    const outcome = signal?.aborted
      ? await this.stop(String(signal.reason?.message ?? 'stopped'))
      : this.over!
    await executor.close(outcome.status !== 'stopped')
    journal.append({ type: 'end', ...outcome })
    return outcome
  }

  /** Takes up what an earlier session left: attempts that run on, ended meanwhile, or were never begun. */
  private async recover(): Promise<void> {
    for (const trial of this.on.journal.list())
      if (trial.status === 'running') this.board(trial, { inherited: true })
  }

  private board(trial: Trial, { inherited }: { readonly inherited: boolean }): void {
    const job = this.jobOf(trial.id, trial.attempt)
    this.flights.set(trial.id, {
      trial: trial.id,
      attempt: trial.attempt,
      job,
      reports: trial.reports.length,
      sign: undefined,
      seen: performance.now(),
      stopped: trial.reason !== undefined,
      inherited,
    })
  }

  private jobOf(trial: string, attempt: number): TrialJob {
    const { folder, journal, medtune } = this.on
    const file = join(folder, 'trials', trial, `${attempt}.json`)
    const id = `${journal.header.id}-${trial}-${attempt}`
    return { id, file, command: [...medtune, 'trial', file], log: beside(file, 'log') }
  }

  /** Takes in reports, results and losses of everything that runs. */
  private async look(): Promise<void> {
    const flights = [...this.flights.values()]
    if (flights.length === 0) return
    const states = await this.on.executor.poll(flights.map(({ job }) => job))
    for (const flight of flights) {
      this.takeReports(flight)
      // Read after the executor was asked: a job that is gone has written its result by then, or never will.
      const result = readResult(flight.job.file)
      if (result) await this.settle(flight, result)
      else await this.watchOver(flight, states.get(flight.job.id) ?? 'unknown')
      flight.inherited = false
    }
  }

  private takeReports(flight: Flight): void {
    const { journal, pruner } = this.on
    const fresh = readReports(flight.job.file, flight.reports)
    if (fresh.length === 0) return
    const { trial, attempt } = flight
    journal.append(...fresh.map((report) => ({ type: 'report' as const, trial, attempt, ...report })))
    flight.reports += fresh.length
    if (flight.stopped) return
    const own = this.reportsOf(journal.get(trial))
    const others = journal.list().filter(({ id, reports }) => id !== trial && reports.length > 0)
    const reason = pruneAlong(
      pruner,
      own,
      others.map((other) => this.reportsOf(other)),
      fresh.length,
    )
    if (reason === undefined) return
    journal.append({ type: 'prune', trial, attempt, reason })
    flight.stopped = true
    askToStop(flight.job.file, 'prune')
  }

  /** A trial's reports as pruners see them: lower is better, and NaN is as bad as can be. */
  private reportsOf({ index, reports }: Trial) {
    const { watch, metric } = this.on.journal.header
    const sign = watchGoal(watch, metric) === 'minimize' ? 1 : -1
    return {
      index,
      reports: reports.map(({ step, value }) => ({
        step,
        value: Number.isNaN(value) ? Number.POSITIVE_INFINITY : sign * value,
      })),
    }
  }

  private async settle(flight: Flight, result: TrialResult): Promise<void> {
    this.flights.delete(flight.trial)
    this.on.journal.append(this.verdict(flight, result))
  }

  /** What a result means: a value, an early end, or a failure. */
  private verdict({ trial, attempt, stopped }: Flight, result: TrialResult): NewEvent {
    const { metric, watch } = this.on.journal.header
    const { metrics, seconds, run, value } = result
    const ran = { trial, attempt, ...(run ? { run } : {}) }
    if (result.status === 'done') {
      if (value !== undefined && Number.isFinite(value))
        return { type: 'tell', ...ran, status: 'done', value, metrics, seconds }
      const reason =
        value === undefined
          ? `the run did not measure "${metric.name}"; it has: ${Object.keys(metrics).join(', ') || 'nothing'}`
          : `${metric.name} is ${value}`
      return { type: 'fail', ...ran, reason, cause: 'failed', final: this.isFinal(trial) }
    }
    if (result.status === 'stopped' && stopped) {
      const last = watch === metric.name ? this.on.journal.get(trial).reports.at(-1)?.value : value
      const known = last !== undefined && Number.isFinite(last) ? { value: last } : {}
      return { type: 'tell', ...ran, status: 'pruned', ...known, metrics, seconds }
    }
    const reason = result.reason ?? 'no reason was given'
    if (result.status === 'stopped') return { type: 'fail', ...ran, reason, cause: 'stopped', final: false }
    return { type: 'fail', ...ran, reason, cause: 'failed', final: this.isFinal(trial) }
  }

  private isFinal(trial: string): boolean {
    return this.on.journal.get(trial).failures >= this.on.limits.retries
  }

  /** Gives a trial away whose worker is gone, or gave no sign of life for too long. */
  private async watchOver(flight: Flight, state: JobState): Promise<void> {
    const { file } = flight.job
    const sign = readBeat(file)?.sign
    if (sign !== flight.sign || state === 'queued') {
      flight.sign = sign
      flight.seen = performance.now()
    }
    const claimed = readClaim(file)
    const life = lifeOfHolder(claimed)
    const silent = (performance.now() - flight.seen) / 1000
    const late = silent > this.on.limits.lease && life !== 'alive'
    if (state !== 'gone' && life !== 'dead' && !late) return
    // Nobody may begin it from now on; whoever just did is alive, and is left alone.
    if (!claimed && !fence(file)) return
    if (claimed && life === 'alive') return
    // A holder that cannot be seen may only be cut off: should it come back, it finds the wish and ends.
    if (life === 'unknown') askToStop(file, 'stop')
    // It may have ended a moment ago, or have been killed between its end and the word of it.
    const again = readResult(file) ?? finishedRun(this.on.folder, file)
    if (again) {
      await this.settle(flight, again)
      return
    }
    await this.lose(flight, state === 'gone' || life === 'dead' ? 'ended' : 'silent', silent)
  }

  private async lose(flight: Flight, how: 'ended' | 'silent', seconds: number): Promise<void> {
    const { journal, executor } = this.on
    const { trial, attempt, job, inherited } = flight
    this.flights.delete(trial)
    const said = (await executor.logs(job).catch(() => '')).trim().split('\n').at(-1) ?? ''
    const what =
      how === 'ended' ? 'its process ended without a result' : `no sign of life for ${Math.round(seconds)} s`
    const reason = said === '' ? what : `${what}; the last it said: ${said.slice(0, 500)}`
    // What ended an earlier session, or came after it, may have ended its trials too: that is no trial's fault.
    const cause = inherited ? 'stopped' : 'lost'
    const final = cause === 'lost' && journal.get(trial).losses + 1 >= LOSSES
    const run = readBeat(job.file)?.run
    journal.append({ type: 'fail', trial, attempt, ...(run ? { run } : {}), reason, cause, final })
  }

  /** Hands out trials for as long as there is room: first those that wait for another attempt, then new ones. */
  private async fill(): Promise<void> {
    const { limits, executor, journal } = this.on
    const room = limits.workers + (this.on.sampler.adaptive ? 0 : (executor.ahead ?? 0)) - this.flights.size
    // What ended the sweep early ends the waiting for a second attempt too.
    const early = this.timeIsUp() || this.over?.status === 'failed'
    const waiting = early ? [] : journal.list().filter(({ status }) => status === 'waiting')
    const chosen = waiting.slice(0, Math.max(0, room))
    while (chosen.length < room) {
      const trial = this.ask()
      if (!trial) break
      chosen.push(trial)
    }
    if (chosen.length > 0) await this.start(chosen)
  }

  private ask(): Trial | undefined {
    this.over ??= this.reasonToEnd()
    if (this.over) return undefined
    const { journal, sampler, seed } = this.on
    const index = journal.list().length
    const question = { space: journal.header.space, seed, index, trials: this.past() }
    for (let draw = 0; draw < DRAWS; draw++) {
      const params = sampler.ask({ ...question, draw })
      const text = canonicalJson(params)
      if (this.seenParams.has(text)) continue
      this.seenParams.add(text)
      const trial = `${String(index).padStart(4, '0')}-${contentHash(params).slice(0, 8)}`
      journal.append({ type: 'ask', trial, index, params })
      return journal.get(trial)
    }
    this.over = { status: 'done', reason: 'every combination of values was tried' }
    return undefined
  }

  private past(): readonly PastTrial[] {
    const { metric } = this.on.journal.header
    const sign = metric.goal === 'minimize' ? 1 : -1
    return this.on.journal.list().map(({ index, params, status, value }) => ({
      index,
      params,
      status: status === 'waiting' ? 'running' : status,
      ...(value !== undefined && Number.isFinite(value) ? { value: sign * value } : {}),
    }))
  }

  private reasonToEnd(): Outcome | undefined {
    const { limits, journal } = this.on
    const trials = journal.list()
    const { metric } = journal.header
    const done = (reason: string): Outcome => ({ status: 'done', reason })
    if (limits.trials !== undefined && trials.length >= limits.trials)
      return done(`all ${limits.trials} trials were run`)
    if (this.timeIsUp()) return done('the time is up')
    const good = trials.find(({ status, value }) => status === 'done' && reaches(metric, value!))
    if (good) return done(`trial ${good.id} reached the target, ${metric.target}`)
    const failed = failuresInRow(trials)
    if (limits.maxFailures !== undefined && failed >= limits.maxFailures)
      return {
        status: 'failed',
        reason: `the last ${failed} trials failed, and max_failures is ${limits.maxFailures}`,
      }
    return undefined
  }

  private timeIsUp(): boolean {
    const { seconds } = this.on.limits
    return seconds !== undefined && performance.now() - this.started >= 1000 * seconds
  }

  private async start(trials: readonly Trial[]): Promise<void> {
    const { journal, executor, executorName } = this.on
    const jobs = trials.map((trial) => {
      const attempt = trial.attempt + 1
      const job = this.jobOf(trial.id, attempt)
      writeSheet(job.file, this.sheetOf(trial, attempt))
      return job
    })
    journal.append(
      ...trials.map(({ id, attempt }) => ({
        type: 'start' as const,
        trial: id,
        attempt: attempt + 1,
        executor: executorName,
      })),
    )
    for (const { id } of trials) this.board(journal.get(id), { inherited: false })
    await executor.submit(jobs)
  }

  private sheetOf(trial: Trial, attempt: number): TrialSheet {
    const { folder, journal, cwd, limits } = this.on
    const { id, recipe, watch, metric } = journal.header
    return {
      version: 1,
      sweep: id,
      trial: trial.id,
      attempt,
      recipe: recipe.file,
      cwd,
      watch,
      overrides: overridesOf(trial.params),
      runsDir: join(folder, 'runs'),
      // One that failed by itself would only fail again from where it stood.
      ...(trial.run !== undefined && trial.cause !== 'failed' ? { from: join(folder, trial.run) } : {}),
      metric: { name: metric.name, take: metric.take, goal: metric.goal },
      beat: Math.min(10, limits.lease / 4),
    }
  }

  /** Asks everything that runs to stop, and waits until it has; what does not is left to the next session. */
  private async stop(reason: string): Promise<Outcome> {
    const { executor, limits } = this.on
    for (const { job } of this.flights.values()) askToStop(job.file, 'stop')
    const until = performance.now() + 1000 * Math.max(30, limits.lease)
    while (this.flights.size > 0 && performance.now() < until) {
      await this.look()
      if (this.flights.size > 0) await pause(this.on.poll)
    }
    for (const { job } of this.flights.values()) await executor.cancel(job)
    return { status: 'stopped', reason }
  }
}

/** Asks the pruner about each of the last `fresh` reports in turn: a rung must not be missed since two came at once. */
function pruneAlong(
  pruner: Pruner,
  own: Parameters<Pruner['prune']>[0],
  others: Parameters<Pruner['prune']>[1],
  fresh: number,
): string | undefined {
  for (let count = own.reports.length - fresh + 1; count <= own.reports.length; count++) {
    const reason = pruner.prune({ ...own, reports: own.reports.slice(0, count) }, others)
    if (reason !== undefined) return reason
  }
  return undefined
}

function reaches({ target, goal }: SweepHeader['metric'], value: number): boolean {
  if (target === undefined) return false
  return goal === 'minimize' ? value <= target : value >= target
}

/** Trials that failed for good since the last one that did not, in the order in which they ended. */
function failuresInRow(trials: readonly Trial[]): number {
  const ended = trials
    .filter(({ ended: time }) => time !== undefined)
    .sort((a, b) => (a.ended! < b.ended! ? -1 : 1))
  return ended.length - 1 - ended.findLastIndex(({ status }) => status !== 'failed')
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal?.addEventListener('abort', done)
  })
}
