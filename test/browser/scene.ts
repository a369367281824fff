/** @file The runs that the browser tests look at: good ones, damaged ones, one that goes on, and hostile text. */
import { hostname } from 'node:os'
import type { EvalItem } from '../../src/plugin/contract.ts'
import { answers, iso, makeRun } from '../helpers/run-folders.ts'
import { type FakeTrial, makeSweep, trialEvents, trialId } from '../helpers/sweep-folders.ts'

/** Runs only as text; were any of it run, `window.hacked` would be set. */
export const HOSTILE =
  '<script>window.hacked=1</script><img src=x onerror="window.hacked=1"> \u001b[31mred\u001b[0m \u202eevil\u2066 {{7*7}} #{7*7} javascript:window.hacked=1'

/** Names of the runs by what is the matter with them. */
export const ODD = ['crashed', 'nan', 'torn', 'newer', 'hostile'] as const

export function makeScene(root: string): void {
  for (let i = 0; i < 12; i++) {
    const [rank, lr] = [2 ** (1 + (i % 4)), [5e-4, 1e-3, 2e-3][i % 3]!]
    makeRun(root, {
      id: `2026-11-22T1${i % 10}-0${i % 6}-00Z-lora-${i}`,
      name: `lora r${rank} lr${lr}`,
      steps: 400,
      config: { adapter: { use: 'lora', rank }, optimizer: { use: 'adamw', lr }, seed: 1 + (i % 2) },
      loss: (step) =>
        1 + (3 + rank / 20) / Math.sqrt(step * lr * 800) + 0.2 * Math.abs(Math.sin(step * (i + 3))),
      items: {
        exam: examOf(i),
        swapped: { base: answers(30, (q) => q % 4 === 0), tuned: answers(30, (q) => (q + i) % 4 === 0) },
      },
      tail: [0, 400]
        .map(
          (step) =>
            `${JSON.stringify({ time: iso(step), type: 'eval', step, name: 'exam', scores: { accuracy: 0.2 + step / 1000 } })}\n`,
        )
        .concat(
          `${JSON.stringify({ time: iso(200), type: 'checkpoint', step: 200, path: 'checkpoints/200' })}\n`,
        )
        .concat(systemEvents())
        .join(''),
      record: {
        started: iso(3600 * i),
        ended: iso(3600 * i + 400),
        ...(i < 3 ? { sweep: { id: SWEEP, trial: trialId(i) } } : {}),
      },
    })
  }
  const odd = (id: string, more: object): void => {
    makeRun(root, {
      id: `2026-11-23T00-00-00Z-${id}`,
      name: id,
      steps: 60,
      record: { started: iso(90_000), ...more },
      ...more,
    })
  }
  odd('crashed', { status: 'running', record: { started: iso(90_000), pid: 2 ** 22 + 1, steps: 200 } })
  odd('nan', {
    status: 'failed',
    loss: (step: number) => (step > 20 && step < 41 ? Number.NaN : 3 - step / 60),
    record: { reason: 'the loss is NaN', started: iso(90_001) },
  })
  odd('torn', { status: 'failed', tail: '{"type":"step","step":61,"lo', record: { started: iso(90_002) } })
  odd('newer', {
    record: { medtune: '99.0.0', status: 'dreaming', started: iso(90_003) },
    tail: '{"type":"from-the-future","time":"2026-11-23T00:00:00Z"}\n',
  })
  odd('hostile', { name: HOSTILE, items: hostileItems(), record: { started: iso(90_004), reason: HOSTILE } })
  const alive = {
    pid: process.pid,
    host: hostname(),
    heartbeat: new Date().toISOString(),
    steps: 100,
    started: iso(90_005),
  }
  odd('live', { status: 'running', steps: 30, record: alive })
}

/** Id of the sweep that goes on. */
export const SWEEP = 'beef0001'

/** Two sweeps: one that goes on, with a trial of each kind, and one whose texts are hostile. Returns the folder of the first. */
export function makeSweeps(root: string): string {
  makeSweep(root, '2026-11-21T00-00-00Z-hostile', {
    id: 'beef0002',
    name: HOSTILE,
    space: [{ path: HOSTILE, distribution: { kind: 'categorical', values: [HOSTILE, 1] }, when: [] }],
    events: [
      { type: 'ask', trial: 't', index: 0, params: { [HOSTILE]: HOSTILE } },
      { type: 'fail', trial: 't', attempt: 1, reason: HOSTILE, cause: 'failed', final: true },
    ],
  })
  const trials: readonly FakeTrial[] = [
    ...Array.from({ length: 9 }, (_, i) => ({
      rank: 2 ** (1 + (i % 3)),
      lr: 1e-4 * 1.6 ** i,
      value: 3 - 0.2 * i + 0.3 * (i % 2),
    })),
    {
      rank: 4,
      lr: 2e-4,
      value: 5,
      end: 'pruned',
      reason: 'at rung 20 it is number 5 of 8, and 4 of them go on',
    },
    { rank: 8, lr: 9e-3, end: 'failed', reason: 'the loss at step 12 is NaN' },
    { rank: 2, lr: 3e-3, value: 2.2, end: 'running' },
  ]
  const events = trials.flatMap((trial, i) => trialEvents(i, trial))
  return makeSweep(root, '2026-11-22T00-00-00Z-ranks', {
    id: SWEEP,
    name: 'ranks',
    events,
    of: 24,
    alive: true,
  })
}

/** Better with the rank, and answered in a sentence of which a few words change. */
function examOf(i: number): { base: EvalItem[]; tuned: EvalItem[] } {
  const item = (q: number, right: boolean): EvalItem => ({
    id: `q${q}`,
    score: right ? 1 : 0,
    weight: 1,
    detail: {
      prompt: `Which vitamin is lacking in condition ${q}?`,
      prediction: `The patient in case ${q} most likely lacks vitamin ${right ? 'B12' : 'C'} and should be ${right ? 'tested' : 'observed'}.`,
      reference: 'vitamin B12',
    },
  })
  const list = (right: (q: number) => boolean): EvalItem[] =>
    Array.from({ length: 60 }, (_, q) => item(q, right(q)))
  return { base: list((q) => q % 4 === 0), tuned: list((q) => (q * 7) % 10 < 3 + (i % 4) * 2) }
}

function hostileItems(): { exam: { base: EvalItem[]; tuned: EvalItem[] } } {
  const item = (q: number): EvalItem => ({
    id: `q${q}`,
    score: 0,
    weight: 1,
    detail: {
      prompt: `Which vitamin is lacking in condition ${q}?`,
      prediction: q === 1 ? 'long '.repeat(200_000) : HOSTILE,
      reference: 'vitamin B12',
    },
  })
  const list = Array.from({ length: 60 }, (_, q) => item(q))
  return { exam: { base: list, tuned: list } }
}

function systemEvents(): string[] {
  return Array.from(
    { length: 40 },
    (_, i) =>
      `${JSON.stringify({ time: iso(10 * i), type: 'system', rss_bytes: 4e8 + 1e6 * i, cpu: 1.5 + (i % 5) / 10 })}\n`,
  )
}
