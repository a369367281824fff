/**
 * @file One sweep, killed again and again: the coordinator, whoever runs a trial, or both, at random moments. In the
 * end every trial must have finished exactly once.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { readClaim, readResult } from '../../src/sweep/board.ts'
import { readSweep, type SweepEvent } from '../../src/track/sweep-journal.ts'
import { medtune, type Started, sweepFolder } from './medtune.ts'

export interface CrashOptions {
  /** Folder with sweep.yaml and all it names. */
  readonly project: string
  /** Overrides of the sweep: its executor. */
  readonly overrides: readonly string[]
  readonly trials: number
  readonly kills: number
  /** Milliseconds over which the kills are spread, about: shorter than the sweep takes without them, however many they are. */
  readonly span: number
  readonly seed: number
  /** Processes that run trials at the moment; those with a claim and no result where left out. */
  readonly workers?: (folder: string) => readonly number[]
}

export interface CrashReport {
  readonly folder: string
  readonly killed: Readonly<Record<'coordinator' | 'worker', number>>
  readonly seconds: number
  readonly output: string
}

export async function crashAndResume(options: CrashOptions): Promise<CrashReport> {
  const { project, overrides, kills, span, seed } = options
  const within = (2 * span) / kills
  const random = mulberry(seed)
  const runs = path.join(project, 'runs')
  const begun = performance.now()
  const killed = { coordinator: 0, worker: 0 }
  let output = ''
  let running = medtune(project, ['sweep', 'sweep.yaml', ...overrides, '--runs-dir', runs])
  await until(() => sweepFolder(runs) !== undefined, running)
  const folder = sweepFolder(runs)!
  for (let kill = 0; kill < kills; kill++) {
    // The first moments are early ones: between a line of the journal and what follows from it.
    await pause(random() * (kill < 2 ? within / 4 : within))
    const victim = kill % 3
    if (victim !== 0) killed.worker += await killOne(() => (options.workers ?? busy)(folder), random)
    if (victim === 1) continue
    // It may be done before the last kill; what it must not do is end in any other way.
    if (running.child.exitCode === 0) break
    if (running.child.exitCode !== null)
      expect.fail(`the sweep ended with ${running.child.exitCode}:\n${output}${running.text()}`)
    running.child.kill('SIGKILL')
    killed.coordinator++
    await running.ended
    output += running.text()
    running = medtune(project, ['sweep', 'resume', folder])
  }
  const watch = setTimeout(() => running.child.kill('SIGABRT'), 300_000)
  const code = await running.ended
  clearTimeout(watch)
  output += running.text()
  if (code !== 0) expect.fail(`the sweep ended with ${code}:\n${output}`)
  return { folder, killed, seconds: (performance.now() - begun) / 1000, output }
}

/** Processes of attempts that have begun and not ended. */
export function busy(folder: string): readonly number[] {
  const trials = path.join(folder, 'trials')
  return readdirSync(trials).flatMap((trial) =>
    readdirSync(path.join(trials, trial))
      .filter((name) => /^\d+\.json$/.test(name))
      .map((name) => path.join(trials, trial, name))
      .filter((file) => readResult(file) === undefined)
      .flatMap((file) => readClaim(file)?.pid ?? []),
  )
}

/** Kills one of them, as soon as there is one; 0 where none came up for long. */
async function killOne(pids: () => readonly number[], random: () => number): Promise<number> {
  const end = performance.now() + 20_000
  while (performance.now() < end) {
    const alive = pids().filter((pid) => existsSync(`/proc/${pid}`))
    const pid = alive[Math.floor(random() * alive.length)]
    if (pid !== undefined) {
      try {
        process.kill(pid, 'SIGKILL')
        return 1
      } catch {
        // It ended by itself a moment ago.
      }
    }
    await pause(50)
  }
  return 0
}

/** Processes whose command line has this word followed by the folder. */
export function processesOf(word: string, folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0${word}\0${folder}`)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Every trial finished once: in the journal, in its files and among the run folders. */
export function expectExactly(folder: string, trials: number): void {
  const { header, trials: list, end } = readSweep(folder)
  const events = readFileSync(path.join(folder, 'sweep.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SweepEvent)
  const tells = events.filter((event) => event.type === 'tell')
  expect(list).toHaveLength(trials)
  expect(list.map(({ status }) => status)).toEqual(Array(trials).fill('done'))
  expect(list.map(({ index }) => index)).toEqual(list.map((_, i) => i))
  expect(new Set(list.map(({ params }) => JSON.stringify(params))).size).toBe(trials)
  expect(new Set(tells.map(({ trial }) => trial)).size).toBe(tells.length)
  expect(tells).toHaveLength(trials)
  expect(end).toMatchObject({ status: 'done' })
  const runs = path.join(folder, 'runs')
  const records = readdirSync(runs)
    .filter((name) => existsSync(path.join(runs, name, 'run.json')))
    .map((name) => ({ ...JSON.parse(readFileSync(path.join(runs, name, 'run.json'), 'utf8')), place: name }))
  const done = records.filter(({ status }) => status === 'done')
  expect(done.map(({ sweep }) => sweep.trial).sort()).toEqual(list.map(({ id }) => id))
  for (const { run, value, id } of list) {
    const report = JSON.parse(readFileSync(path.join(folder, run!, 'report.json'), 'utf8'))
    expect(report).toMatchObject({ status: 'done' })
    expect(path.basename(run!)).toBe(done.find(({ sweep }) => sweep.trial === id)!.place)
    const holdout = readFileSync(path.join(folder, run!, 'events.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .findLast(({ type, name }) => type === 'eval' && name === 'holdout')
    expect(value).toBe(holdout.scores.loss)
  }
  expect(header.metric.name).toBe('holdout.loss')
}

export async function until(condition: () => boolean, { child, text }: Started): Promise<void> {
  while (!condition()) {
    if (child.exitCode !== null) expect.fail(`the sweep ended too early:\n${text()}`)
    await pause(20)
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Numbers from 0 to 1 by a seed, so that a failure can be run again. */
export function mulberry(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export const TRIALS = 24

/** Steps of a trial, so that the sweep outlasts the kills. */
export const stepsFor = (kills: number): number => Math.max(20, 4 * kills)

export const SWEEP = `method: random
run_cap: ${TRIALS}
workers: 2
lease: 8
`

/** MEDTUNE_CRASH_SEED, else a new one; printed, so that a failure can be run again. */
export function crashSeed(): number {
  const seed = Number(process.env.MEDTUNE_CRASH_SEED ?? Date.now() % 1_000_000)
  console.log(`MEDTUNE_CRASH_SEED=${seed}`)
  return seed
}

export function tell(name: string, { killed, seconds }: CrashReport): void {
  console.log(
    `${name}: ${TRIALS} trials in ${seconds.toFixed(1)} s, coordinator killed ${killed.coordinator} times, a worker ${killed.worker} times`,
  )
}
