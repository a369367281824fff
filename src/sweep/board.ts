/**
 * @file How the coordinator and whoever runs a trial speak: by files beside the attempt's own, `trials/<trial>/
 * <attempt>.json`, which work on one machine and on a shared disk alike. Each file has one writer and appears whole.
 *
 *   .json           what to run                      coordinator
 *   .claim          who runs it; made once           whoever is first (the coordinator, to call it off)
 *   .beat           a sign of life, changing         the trial
 *   .reports.jsonl  the watched metric by step       the trial
 *   .stop           a wish that it should end        coordinator
 *   .result.json    how it ended                     the trial
 *   .log            what it printed                  the trial
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { stringify, toNumber } from '../track/json.ts'
import { type Life, lifeOf, type ProcessId, thisProcess } from '../track/process-id.ts'
import { InputError } from '../util/errors.ts'

/** The attempt's own file. */
export interface TrialSheet {
  readonly version: 1
  /** Id of the sweep. */
  readonly sweep: string
  readonly trial: string
  readonly attempt: number
  /** Absolute path of the recipe's file. */
  readonly recipe: string
  /** The trial's values, in the form of the command line. */
  readonly overrides: readonly string[]
  /** Where relative paths among the values start: the folder of the sweep's file. */
  readonly cwd: string
  /** Where the run folder is made. */
  readonly runsDir: string
  /** Its recipe came over a queue, with every path made absolute: whether it may be chosen by was looked at where it came from. */
  readonly carried?: true
  /** Run folder of an earlier attempt to go on from, where it left a checkpoint. */
  readonly from?: string
  readonly watch: string
  readonly metric: {
    readonly name: string
    readonly take: 'last' | 'best'
    readonly goal: 'minimize' | 'maximize'
  }
  /** Seconds between two signs of life. */
  readonly beat: number
}

export interface Claim extends Partial<ProcessId> {
  readonly time: string
  /** Called off before anyone began. */
  readonly fenced?: true
  /** What the place calls it: a Slurm job, a slot. */
  readonly place?: string
  /** The batch job that holds it was started again by its scheduler; see `takeOver`. */
  readonly restarts?: number
}

export interface Report {
  readonly step: number
  readonly value: number
}

export interface TrialResult {
  /** `stopped`: it ended since it was asked to, or got a signal. */
  readonly status: 'done' | 'failed' | 'stopped'
  readonly metrics: Readonly<Record<string, number>>
  /** The sweep's metric; left out where the run did not measure it. */
  readonly value?: number
  readonly reason?: string
  readonly run?: string
  readonly seconds: number
}

export type StopWish = 'prune' | 'stop'

/** A file beside the attempt's own. */
export function beside(file: string, ending: string): string {
  return file.replace(/\.json$/, `.${ending}`)
}

export function writeSheet(file: string, sheet: TrialSheet): void {
  mkdirSync(dirname(file), { recursive: true })
  writeWhole(file, `${stringify(sheet, 2)}\n`)
}

/** @throws InputError where it is not there or is none */
export function readSheet(file: string): TrialSheet {
  const sheet = readJson(file) as TrialSheet | undefined
  if (sheet?.version !== 1) throw new InputError(`${file} is not the file of a trial`)
  return sheet
}

/** Says who runs the attempt. False where someone else is, or it was called off: then it must not be run. */
export function claim(file: string, extra: Pick<Claim, 'place' | 'restarts'> = {}): boolean {
  return makeOnce(beside(file, 'claim'), { ...thisProcess(), ...extra, time: new Date().toISOString() })
}

/** Calls off an attempt that nobody has begun. False where someone has. */
export function fence(file: string): boolean {
  return makeOnce(beside(file, 'claim'), { fenced: true, time: new Date().toISOString() })
}

export function readClaim(file: string): Claim | undefined {
  return readJson(beside(file, 'claim')) as Claim | undefined
}

/** Whether whoever claimed it is there; `unknown` where nobody did, or this machine cannot look. */
export function lifeOfHolder(claimed: Claim | undefined): Life {
  return claimed?.pid === undefined || claimed.host === undefined ? 'unknown' : lifeOf(claimed as ProcessId)
}

/** A sign of life: it differs from the last one. */
export interface Beat {
  readonly sign: number
  readonly step: number
  /** The run folder, relative to the sweep's, once there is one. */
  readonly run?: string
}

export function beat(file: string, sign: Beat): void {
  writeWhole(beside(file, 'beat'), stringify(sign), false)
}

export function readBeat(file: string): Beat | undefined {
  return readJson(beside(file, 'beat')) as Beat | undefined
}

export function report(file: string, { step, value }: Report): void {
  appendFileSync(beside(file, 'reports.jsonl'), `${stringify({ step, value })}\n`)
}

/** Reports after the first `skip`; a line that is still being written is left for later. */
export function readReports(file: string, skip: number): readonly Report[] {
  const text = readText(beside(file, 'reports.jsonl')) ?? ''
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(skip, -1)
    .map((line) => JSON.parse(line) as Report)
    .map(({ step, value }) => ({ step, value: toNumber(value) ?? Number.NaN }))
}

/** Asks a trial to end at its next step. */
export function askToStop(file: string, wish: StopWish): void {
  writeWhole(beside(file, 'stop'), wish)
}

export function readStop(file: string): StopWish | undefined {
  return readText(beside(file, 'stop')) as StopWish | undefined
}

export function writeResult(file: string, result: TrialResult): void {
  writeWhole(beside(file, 'result.json'), `${stringify(result, 2)}\n`)
}

export function readResult(file: string): TrialResult | undefined {
  const result = readJson(beside(file, 'result.json')) as TrialResult | undefined
  if (!result) return undefined
  const number = (value: unknown): number => toNumber(value) ?? Number.NaN
  const metrics = Object.fromEntries(
    Object.entries(result.metrics).map(([key, value]) => [key, number(value)]),
  )
  return { ...result, metrics, ...(result.value === undefined ? {} : { value: number(result.value) }) }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function readJson(file: string): unknown {
  const text = readText(file)
  return text === undefined ? undefined : JSON.parse(text)
}

let drafts = 0

function writeDraft(file: string, text: string, durable: boolean): string {
  const draft = `${file}.${process.pid}.${drafts++}.tmp`
  const handle = openSync(draft, 'wx')
  try {
    writeSync(handle, text)
    if (durable) fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  return draft
}

function writeWhole(file: string, text: string, durable = true): void {
  renameSync(writeDraft(file, text, durable), file)
}

/** A hard link is made by one of all who try, and comes with its content; also on network disks. */
function makeOnce(file: string, content: object): boolean {
  if (existsSync(file)) return false
  mkdirSync(dirname(file), { recursive: true })
  const draft = writeDraft(file, `${stringify(content)}\n`, true)
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}
