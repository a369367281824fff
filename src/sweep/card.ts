/** @file sweep.json: how a sweep stands, for whoever looks at its folder; derived from the journal, and may be late. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { stringify } from '../track/json.ts'
import type { SweepHeader, Trial, TrialStatus } from '../track/sweep-journal.ts'
import { countTrials, ranking } from '../track/sweep-trials.ts'
import { writeAtomically } from '../util/atomic.ts'

const BEAT_MS = 5000
/** At most so often for changes. */
const CHANGE_MS = 500

/** A sweep whose status is `running` and whose heartbeat is old has died; `medtune sweep resume` goes on with it. */
export interface SweepCardRecord {
  readonly id: string
  readonly name: string
  readonly status: 'running' | 'done' | 'stopped' | 'failed'
  readonly reason?: string
  readonly started: string
  readonly heartbeat: string
  readonly ended?: string
  readonly pid: number
  readonly host: string
  readonly medtune: string
  /** How many there are to be; left out where only time ends the sweep. */
  readonly of?: number
  readonly trials: Readonly<Record<TrialStatus, number>>
  readonly best?: Pick<Trial, 'id' | 'value' | 'params' | 'run'>
}

export class SweepCard {
  private readonly file: string
  private readonly header: SweepHeader
  private readonly of: number | undefined
  private readonly list: () => readonly Trial[]
  private readonly timer: NodeJS.Timeout
  private saved: Promise<void> = Promise.resolve()
  private changed = true
  private written = 0

  constructor(folder: string, header: SweepHeader, of: number | undefined, list: () => readonly Trial[]) {
    this.file = join(folder, 'sweep.json')
    this.header = header
    this.of = of
    this.list = list
    this.timer = setInterval(() => this.beat(), CHANGE_MS)
    this.timer.unref()
    this.beat()
  }

  /** Something happened: written with the next beat. */
  change(): void {
    this.changed = true
  }

  async close(status: Exclude<SweepCardRecord['status'], 'running'>, reason: string): Promise<void> {
    clearInterval(this.timer)
    await this.save({ status, reason, ended: new Date().toISOString() })
  }

  private beat(): void {
    if (!this.changed && performance.now() - this.written < BEAT_MS) return
    this.changed = false
    this.written = performance.now()
    // The journal is what counts; a disk that is full shows there.
    void this.save({ status: 'running' }).catch(() => undefined)
  }

  private save(state: Pick<SweepCardRecord, 'status' | 'reason' | 'ended'>): Promise<void> {
    const { id, name, time, medtune } = this.header
    const trials = this.list()
    const best = ranking({ header: this.header, trials })[0]
    const record: SweepCardRecord = {
      id,
      name,
      ...state,
      started: time,
      heartbeat: new Date().toISOString(),
      pid: process.pid,
      host: hostname(),
      medtune,
      ...(this.of === undefined ? {} : { of: this.of }),
      trials: countTrials(trials),
      ...(best ? { best: { id: best.id, value: best.value, params: best.params, run: best.run } } : {}),
    } as SweepCardRecord
    const next = this.saved.then(() =>
      writeAtomically(this.file, (draft) => draft.write(`${stringify(record, 2)}\n`)),
    )
    this.saved = next.catch(() => undefined)
    return next
  }
}
