/** @file The sweeps below a folder, kept up to date by looking. Of a journal only what it gained is read. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { openInside, readObject } from '../../track/read/files.ts'
import { readLines } from '../../track/read/lines.ts'
import { sweepStanding } from '../../track/read/liveness.ts'
import { runKey } from '../../track/run-key.ts'
import { JOURNAL, JOURNAL_VERSION, Replay, type SweepEvent } from '../../track/sweep-journal.ts'
import { countTrials } from '../../track/sweep-trials.ts'
import { isObject, type JsonObject } from '../../util/json-object.ts'
import type { SweepDetail, SweepRow } from '../shared/wire.ts'

export interface SweepChange {
  readonly sweeps: readonly SweepRow[]
  readonly removedSweeps: readonly string[]
}

/** A journal as far as it was read. */
interface Entry {
  replay: Replay | undefined
  /** Bytes of whole lines. */
  end: number
  ino: number
  problem: string
  row: SweepRow | undefined
}

export class Sweeps {
  private readonly root: string
  private readonly entries = new Map<string, Entry>()

  constructor(root: string) {
    this.root = root
  }

  rows(): readonly SweepRow[] {
    return [...this.entries.values()]
      .flatMap(({ row }) => row ?? [])
      .sort((a, b) => (a.started < b.started ? 1 : -1))
  }

  row(folder: string): SweepRow | undefined {
    return this.entries.get(folder)?.row
  }

  /** Looks at all that were found; those that are not among them are gone. */
  async lookAt(folders: readonly string[]): Promise<SweepChange> {
    const removedSweeps = [...this.entries.keys()].filter((folder) => !folders.includes(folder))
    for (const folder of removedSweeps) this.entries.delete(folder)
    return { ...(await this.look(folders)), removedSweeps }
  }

  /** Looks at those that go on. */
  async lookAtLive(): Promise<SweepChange> {
    const live = [...this.entries].filter(([, { row }]) => row?.status === 'running')
    return this.look(live.map(([folder]) => folder))
  }

  /** Everything of one sweep; undefined where there is none, or nothing of it can be read. */
  detail(key: string): SweepDetail | undefined {
    const folder = [...this.entries.keys()].find((one) => runKey(one) === key)
    const { row, replay } = this.entries.get(folder ?? '') ?? {}
    if (folder === undefined || !row || !replay) return undefined
    const { header, trials, spent } = replay.now()
    return {
      ...row,
      metric: header.metric,
      space: header.space,
      spent,
      method: useOf(header.spec.method),
      pruner: useOf(header.spec.early_terminate),
      trials: trials.map((trial) => ({ ...trial, reports: trial.reports.slice(-1) })),
    }
  }

  private async look(folders: readonly string[]): Promise<SweepChange> {
    const sweeps: SweepRow[] = []
    for (const folder of folders) {
      const row = await this.lookAtOne(folder)
      if (row) sweeps.push(row)
    }
    return { sweeps, removedSweeps: [] }
  }

  /** The row, if it is not as it was. */
  private async lookAtOne(folder: string): Promise<SweepRow | undefined> {
    const entry = this.entries.get(folder) ?? {
      replay: undefined,
      end: 0,
      ino: 0,
      problem: '',
      row: undefined,
    }
    const path = join(this.root, ...folder.split('/'))
    await readOn(path, entry)
    const row = await rowOf(folder, path, entry)
    this.entries.set(folder, entry)
    if (JSON.stringify(row) === JSON.stringify(entry.row)) return undefined
    entry.row = row
    return row
  }
}

/** Takes in what a journal gained. A resume may have cut off a torn line, but never a whole one. */
async function readOn(path: string, entry: Entry): Promise<void> {
  const found = await stat(join(path, JOURNAL)).catch(() => undefined)
  if (!found) return
  if (found.ino !== entry.ino || found.size < entry.end)
    Object.assign(entry, { replay: undefined, end: 0, ino: found.ino, problem: '' })
  if (found.size === entry.end) return
  const opened = await openInside(path, JOURNAL)
  if (!opened.ok) {
    entry.problem = `${JOURNAL}: ${opened.why}`
    return
  }
  try {
    const { end } = await readLines(opened.value, entry.end, (line) => take(entry, line))
    entry.end = end
  } finally {
    await opened.value.close()
  }
}

function take(entry: Entry, line: string): void {
  try {
    const event: unknown = JSON.parse(line)
    if (!isSound(event)) throw new SyntaxError()
    if (entry.replay) entry.replay.take(event)
    else if (entry.problem === '') entry.replay = new Replay(event)
  } catch (error) {
    const why =
      error instanceof SyntaxError ? `${JOURNAL}: a line is no event of a sweep` : (error as Error).message
    entry.problem ||= why
  }
}

/** Whether what the page counts on is there; a journal that was changed by hand must not take the page down. */
function isSound(event: unknown): event is SweepEvent {
  if (!isObject(event) || !TEXTS.every((key) => isText(event[key]))) return false
  if (typeof event.type !== 'string' || typeof event.time !== 'string') return false
  return SOUND[event.type]?.(event) ?? true
}

/** Keys that are texts in whatever event has them. */
const TEXTS = ['trial', 'reason', 'run']
const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'
const isNumber = (value: unknown): boolean => typeof value === 'number'

/** What else an event of a type needs. */
const SOUND: Readonly<Record<string, (event: JsonObject) => boolean>> = {
  // What a newer version writes is told of by its number.
  sweep: ({ version, space, metric, spec }) =>
    Number(version) > JOURNAL_VERSION ||
    (Array.isArray(space) &&
      space.every(isParameter) &&
      isObject(metric) &&
      typeof metric.name === 'string' &&
      isObject(spec)),
  ask: ({ index, params }) => isNumber(index) && isObject(params),
  report: ({ step }) => isNumber(step),
  tell: ({ metrics }) => isObject(metrics),
  end: ({ status }) => typeof status === 'string',
}

function isParameter(parameter: unknown): boolean {
  if (!isObject(parameter) || typeof parameter.path !== 'string' || !Array.isArray(parameter.when))
    return false
  const { distribution } = parameter
  if (!isObject(distribution)) return false
  const { kind, values, min, max } = distribution
  return kind === 'categorical' ? Array.isArray(values) : isNumber(min) && isNumber(max)
}

async function rowOf(folder: string, path: string, { replay, problem, end }: Entry): Promise<SweepRow> {
  const read = await readObject(path, 'sweep.json')
  const card = read.ok ? read.value : {}
  const state = replay?.now()
  const live = state ? sweepStanding(state.end, card) : 'unreadable'
  const reason = problem || state?.end?.reason
  return {
    folder,
    id: text(state?.header.id, ''),
    name: text(state?.header.name, folder).slice(0, 200),
    status: live,
    started: text(state?.header.time, ''),
    counts: countTrials(state?.trials ?? []),
    ...(reason ? { reason: reason.slice(0, 2000) } : {}),
    ...(typeof card.of === 'number' ? { of: card.of } : {}),
    version: `${end} ${live}`,
  }
}

const text = (value: unknown, fallback: string): string => (typeof value === 'string' ? value : fallback)

function useOf(stage: unknown): string {
  const { use } = (stage ?? {}) as { readonly use?: unknown }
  return typeof use === 'string' ? use : 'none'
}
