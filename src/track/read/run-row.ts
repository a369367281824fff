/** @file One run as a row of a table: what it is, how it stands, its settings and its figures. */
import { join } from 'node:path'
import { isObject, type JsonObject } from '../../util/json-object.ts'
import { packageVersion } from '../../util/package.ts'
import { toNumber } from '../json.ts'
import { readNotes } from '../notes.ts'
import type { ColumnStore } from './column-store.ts'
import { readObject } from './files.ts'
import { flatten, type Scalar } from './flatten.ts'
import { heartbeatOf, standing } from './liveness.ts'
import { curvesOf, evalsOf, figuresOf } from './run-figures.ts'
import { readStream } from './run-stream.ts'

export interface Score {
  readonly value: number
  readonly ci95?: readonly [number, number]
  readonly n?: number
}

/** An evaluation of the run, with what its report says. */
export interface RowEval {
  readonly name: string
  readonly metric: string
  readonly better: 'higher' | 'lower'
  readonly base?: Score
  readonly tuned?: Score
  readonly difference?: Score & { readonly p?: number }
}

export interface RunRow {
  /** Path below the folder of runs, with forward slashes. */
  readonly id: string
  readonly name: string
  /** running, done, failed, stopped, crashed; `unreadable`, or whatever a newer version says. */
  readonly status: string
  readonly reason?: string
  readonly started?: string
  readonly ended?: string
  readonly step: number
  readonly steps?: number
  /** Id of the sweep that it is a trial of. */
  readonly sweep?: string
  /** Which of its trials. */
  readonly trial?: string
  readonly tags: readonly string[]
  readonly note: string
  /** What is wrong with the folder, in words. */
  readonly problems: readonly string[]
  /** Settings of the recipe, by dotted path. */
  readonly config: Readonly<Record<string, Scalar>>
  /** Versions, machine and code that the run was made with. */
  readonly about: Readonly<Record<string, Scalar>>
  /** Figures by name: `loss`, `loss.min`, `eval.exam.accuracy`, `eval.exam.accuracy.base`, `seconds`, ... */
  readonly figures: Readonly<Record<string, number>>
  readonly evals: readonly RowEval[]
  /** Names of its curves: `loss`, `eval.exam.accuracy`, `system.rss_bytes`, ... */
  readonly curves: readonly string[]
}

/** Reads the row of run `id` below `root`. Never fails: what cannot be read is a problem of the row. */
export async function readRow(root: string, id: string, store: ColumnStore): Promise<RunRow> {
  const folder = join(root, ...id.split('/'))
  const problems: string[] = []
  const read = async (name: string, required: boolean): Promise<JsonObject> => {
    const found = await readObject(folder, name)
    if (found.ok) return found.value
    if (required || found.why !== 'missing') problems.push(`${name}: ${found.why}`)
    return {}
  }
  const [record, resolved, report, notes, stream] = await Promise.all([
    read('run.json', true),
    read('resolved.json', false),
    read('report.json', false),
    readNotes(folder),
    readStream(folder, id, store),
  ])
  const status = standing(heartbeatOf(record))
  if (isNewer(record.medtune)) problems.push(`written by medtune ${record.medtune}, newer than this one`)
  problems.push(...stream.problems(status))
  const evals = evalsOf(report, stream)
  const started = textOf(record.started)
  const ended = textOf(record.ended) ?? (status === 'crashed' ? textOf(record.heartbeat) : undefined)
  const reason = textOf(record.reason) ?? stream.reason
  const steps = toNumber(record.steps)
  return {
    id,
    name: textOf(record.name) ?? id,
    status,
    ...(reason ? { reason } : {}),
    ...(started ? { started } : {}),
    ...(ended ? { ended } : {}),
    step: stream.step ?? toNumber(record.step) ?? 0,
    ...(steps === undefined ? {} : { steps }),
    ...trialOf(record.sweep),
    ...notes,
    problems,
    config: Object.fromEntries(flatten(resolved.recipe ?? {})),
    about: aboutOf(record, resolved, report),
    figures: figuresOf(report, stream, evals, secondsOf(report, started, ended ?? textOf(record.heartbeat))),
    evals,
    curves: curvesOf(stream),
  }
}

function trialOf(sweep: unknown): Pick<RunRow, 'sweep' | 'trial'> {
  if (!isObject(sweep)) return {}
  const [id, trial] = [textOf(sweep.id), textOf(sweep.trial)]
  return { ...(id ? { sweep: id } : {}), ...(trial ? { trial } : {}) }
}

/** What the run stood on, as dotted keys; files by the first digits of their hash, without their folders. */
function aboutOf(record: JsonObject, resolved: JsonObject, report: JsonObject): Record<string, Scalar> {
  const { medtune, hash, git, host, hardware, threads, versions, rows } = record
  const train = isObject(report.train) ? report.train : {}
  return Object.fromEntries([
    ...flatten({ medtune, hash, git, host, hardware, threads, versions, overrides: resolved.overrides }),
    ...flatten({ precision: train.precision, rows, census: report.census }),
    ...filesOf(record),
    ...pluginsOf(record),
  ])
}

function filesOf({ lockfile, inputs }: JsonObject): (readonly [string, Scalar])[] {
  const files = Array.isArray(inputs) ? inputs.filter(isObject) : []
  const short = (hash: unknown): string => (typeof hash === 'string' ? hash.slice(0, 12) : 'not read')
  return [
    ...(isObject(lockfile) ? [['lockfile', short(lockfile.sha256)] as const] : []),
    ...files.map(({ role, path, sha256 }) => {
      const name = String(path).split(/[\\/]/).at(-1)
      return [`inputs.${role}.${name}`, short(sha256)] as const
    }),
  ]
}

/** Plugins that do not come with medtune. */
function pluginsOf({ plugins }: JsonObject): (readonly [string, Scalar])[] {
  const used = Array.isArray(plugins) ? plugins.filter(isObject) : []
  return used
    .filter((plugin) => plugin.package !== undefined)
    .map((plugin) => [`plugins.${plugin.kind}.${plugin.name}`, `${plugin.package}@${plugin.version ?? '?'}`])
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.slice(0, 2000) : undefined

function isNewer(version: unknown): boolean {
  if (typeof version !== 'string') return false
  const parts = (text: string): number[] => text.split(/[.+-]/, 3).map((part) => Number.parseInt(part, 10))
  const [theirs, ours] = [parts(version), parts(packageVersion())]
  const place = theirs.findIndex((part, i) => part !== ours[i])
  return place >= 0 && theirs[place]! > ours[place]!
}

function secondsOf(
  report: JsonObject,
  started: string | undefined,
  ended: string | undefined,
): number | undefined {
  const seconds = (Date.parse(ended ?? '') - Date.parse(started ?? '')) / 1000
  return toNumber(report.seconds) ?? (Number.isFinite(seconds) ? seconds : undefined)
}
