/** @file Run folders as a training run leaves them, made without training: for what reads them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { compareAll } from '../../src/eval/report.ts'
import type { EvalItem } from '../../src/plugin/contract.ts'
import { stringify } from '../../src/track/json.ts'

export interface FakeRun {
  readonly id: string
  readonly name?: string
  readonly status?: string
  readonly config?: Readonly<Record<string, unknown>>
  readonly steps?: number
  /** Loss at a step; a falling curve if left out. */
  readonly loss?: (step: number) => number
  /** Items of evaluations, by name. */
  readonly items?: Readonly<Record<string, { readonly base: EvalItem[]; readonly tuned: EvalItem[] }>>
  readonly metric?: string
  readonly record?: Readonly<Record<string, unknown>>
  readonly tail?: string
}

const START = Date.parse('2026-11-22T10:00:00Z')

export const iso = (seconds: number): string => new Date(START + 1000 * seconds).toISOString()

export function stepEvent(step: number, loss: number, extra: object = {}): string {
  return stringify({
    time: iso(step),
    type: 'step',
    step,
    epoch: step / 100,
    loss,
    grad_norm: 1 / step,
    lr: 1e-3 / step,
    tokens: 1000,
    label_tokens: 400,
    seconds: 0.5,
    ...extra,
  })
}

/** Makes the folder below `root`; returns its path. */
export function makeRun(root: string, run: FakeRun): string {
  const folder = join(root, ...run.id.split('/'))
  mkdirSync(join(folder, 'eval'), { recursive: true })
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  const { steps = 20, status = 'done', name = 'demo', items = {}, metric = 'accuracy' } = run
  const recipe = {
    name,
    seed: 1,
    adapter: { use: 'lora', rank: 8 },
    optimizer: { use: 'adamw', lr: 1e-3 },
    ...run.config,
  }
  const hardware = { cpu: 'a cpu', cores: 2, memory_bytes: 8e9, platform: 'linux', node: 'v20.0.0' }
  const loss = run.loss ?? ((step: number) => 2 + 3 / step)
  const record = {
    name,
    hash: 'ab'.repeat(32),
    status,
    started: iso(0),
    heartbeat: iso(steps),
    pid: 1,
    host: hostname(),
    medtune: '0.1.0',
    hardware,
    step: steps,
    steps,
    ...(status === 'running' ? {} : { ended: iso(steps) }),
    ...run.record,
  }
  const evaluations = Object.entries(items)
  const better = metric === 'loss' ? 'lower' : 'higher'
  const outcomes = (which: 'base' | 'tuned') =>
    new Map(evaluations.map(([key, lists]) => [key, { metric, better, items: lists[which] } as const]))
  const report = {
    name,
    status,
    seconds: steps,
    train: {
      steps,
      tokens: 1000 * steps,
      tokens_per_second: 2000,
      loss_first: loss(1),
      loss_last: loss(steps),
    },
    eval: compareAll(outcomes('base'), outcomes('tuned'), 1),
  }
  write('recipe.yaml', `name: ${name}\n`)
  write('run.json', stringify(record, 2))
  write('resolved.json', stringify({ recipe, hash: record.hash, medtune: '0.1.0', node: 'v20.0.0' }, 2))
  if (status === 'done') write('report.json', stringify(report, 2))
  const lines = [stringify({ time: iso(0), type: 'start', recipe, hardware })]
  for (let step = 1; step <= steps; step++) lines.push(stepEvent(step, loss(step)))
  if (status === 'done') lines.push(stringify({ time: iso(steps), type: 'end', status }))
  write('events.jsonl', `${lines.join('\n')}\n${run.tail ?? ''}`)
  for (const [key, { base, tuned }] of evaluations) {
    write(`eval/${key}.base.jsonl`, itemLines(base))
    write(`eval/${key}.tuned.jsonl`, itemLines(tuned))
  }
  return folder
}

function itemLines(items: readonly EvalItem[]): string {
  return items
    .map(({ id, score, weight, detail }) => `${stringify({ id, ...detail, score, weight })}\n`)
    .join('')
}

/** Answers to the questions 0 to n - 1, right where `right` says so. */
export function answers(n: number, right: (i: number) => boolean): EvalItem[] {
  return Array.from({ length: n }, (_, i) => ({
    id: `q${i}`,
    score: right(i) ? 1 : 0,
    weight: 1,
    detail: { prompt: `question ${i}?`, prediction: right(i) ? 'yes' : `no ${i}`, reference: 'yes' },
  }))
}
