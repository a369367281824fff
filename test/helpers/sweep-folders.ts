/** @file Folders of sweeps as a coordinator leaves them, made without any trial being run: for what reads them. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import type { Space } from '../../src/plugin/contract.ts'
import { stringify } from '../../src/track/json.ts'
import type { SweepEvent } from '../../src/track/sweep-journal.ts'
import { iso } from './run-folders.ts'

const SPACE: Space = [
  { path: 'adapter.rank', distribution: { kind: 'categorical', values: [2, 4, 8] }, when: [] },
  { path: 'optimizer.lr', distribution: { kind: 'float', min: 1e-4, max: 1e-2, scale: 'log' }, when: [] },
  { path: 'train.steps', distribution: { kind: 'categorical', values: [80] }, when: [] },
]

export interface FakeSweep {
  readonly id: string
  readonly name?: string
  readonly space?: Space
  readonly events?: readonly object[]
  /** File of its recipe, beside that of the sweep; one that is gone if left out. */
  readonly recipe?: string
  /** How many trials there are to be. */
  readonly of?: number
  /** Whether its coordinator lives: it is this process. */
  readonly alive?: boolean
}

/** Makes the folder below `root`; returns its path. */
export function makeSweep(root: string, name: string, sweep: FakeSweep): string {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  const metric = { name: 'holdout.loss', goal: 'minimize', take: 'last' }
  const spec = { method: { use: 'tpe' }, early_terminate: { use: 'asha', min_step: 20, eta: 2 } }
  const header = {
    type: 'sweep',
    time: iso(0),
    version: 1,
    id: sweep.id,
    name: sweep.name ?? 'demo',
    file: join(dirname(sweep.recipe ?? '/x/r.yaml'), 's.yaml'),
    recipe: { file: sweep.recipe ?? '/x/r.yaml', hash: 'ab' },
    metric,
    watch: 'holdout.loss',
    space: sweep.space ?? SPACE,
    spec,
    medtune: '0.1.0',
  }
  writeFileSync(join(folder, 'sweep.jsonl'), `${stringify(header)}\n`)
  const pid = sweep.alive ? process.pid : 2 ** 22 + 1
  const card = { id: sweep.id, status: 'running', heartbeat: new Date().toISOString(), pid, host: hostname() }
  writeFileSync(join(folder, 'sweep.json'), stringify({ ...card, of: sweep.of }))
  appendEvents(folder, sweep.events ?? [])
  return folder
}

export function appendEvents(folder: string, events: readonly object[]): void {
  const lines = events.map((event, i) => `${stringify({ time: iso(i + 1), ...event })}\n`)
  appendFileSync(join(folder, 'sweep.jsonl'), lines.join(''))
}

/** An event without its time. */
type Body<E = SweepEvent> = E extends SweepEvent ? Omit<E, 'time'> : never

export interface FakeTrial {
  readonly rank: number
  readonly lr: number
  readonly value?: number
  readonly end?: 'done' | 'pruned' | 'failed' | 'running'
  readonly reason?: string
}

export const trialId = (index: number): string => `${String(index).padStart(4, '0')}-${index}abc`

/** What a journal says of one trial. */
export function trialEvents(index: number, fake: FakeTrial): readonly Body[] {
  const { rank, lr, value, end = 'done', reason = '' } = fake
  const it = { trial: trialId(index), attempt: 1 }
  const params = { 'adapter.rank': rank, 'optimizer.lr': lr, 'train.steps': 80 }
  const begun: Body[] = [
    { type: 'ask', trial: it.trial, index, params },
    { type: 'start', ...it, executor: 'local' },
  ]
  if (value !== undefined)
    begun.push({ type: 'report', ...it, step: 20, value: end === 'done' ? value + 1 : value })
  if (end === 'pruned') begun.push({ type: 'prune', ...it, reason })
  if (end === 'done' || end === 'pruned')
    begun.push({
      type: 'tell',
      ...it,
      status: end,
      value: value!,
      metrics: { 'holdout.loss': value! },
      seconds: 12,
    })
  if (end === 'failed') begun.push({ type: 'fail', ...it, reason, cause: 'failed', final: true })
  return begun
}
