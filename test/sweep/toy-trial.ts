/** @file A trial without a model: what it does is said by its values. `node ... toy-trial.ts trial <file>`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { readSheet, type TrialSheet } from '../../src/sweep/board.ts'
import { runAttempt, type TrialRun } from '../../src/sweep/trial.ts'

/** `x=3 how=fail` -> what the trial is told. */
export interface ToyValues {
  readonly x: number
  /** `done`, `fail`, `nan`, `silent` (measures nothing), `die` (kills itself), `die-once`, `slow`. */
  readonly how: string
}

export function toyValues({ overrides }: TrialSheet): ToyValues {
  const values = Object.fromEntries(
    overrides.map((text) => [
      text.slice(0, text.indexOf('=')),
      JSON.parse(text.slice(text.indexOf('=') + 1)),
    ]),
  )
  return { x: Number(values.x ?? 0), how: String(values.how ?? 'done') }
}

/** A loss that falls to x squared over ten steps of evaluation. */
export async function toyRun(sheet: TrialSheet, run: TrialRun): Promise<object> {
  const { x, how } = toyValues(sheet)
  const folder = path.join(sheet.runsDir, `${sheet.trial}-${sheet.attempt}`)
  mkdirSync(folder, { recursive: true })
  run.onFolder(folder)
  if (how === 'fail') throw new Error('the toy is broken')
  if (how === 'die' || (how === 'die-once' && sheet.attempt === 1)) process.kill(process.pid, 'SIGKILL')
  for (let step = 1; step <= 10; step++) {
    run.signal.throwIfAborted()
    const loss = how === 'nan' ? Number.NaN : x * x + 10 / step - 1
    if (how !== 'silent') run.onEvent({ time: '', type: 'eval', step, name: 'holdout', scores: { loss } })
    await new Promise((resolve) => setTimeout(resolve, how === 'slow' ? 100 : 2))
  }
  writeFileSync(path.join(folder, 'report.json'), '{ "seconds": 1 }')
  writeFileSync(path.join(folder, 'run.json'), '{ "status": "done" }')
  return { seconds: 0.02, train: { loss_last: x } }
}

if (process.argv[2] === 'trial') {
  const file = process.argv[3]!
  const sheet = readSheet(file)
  const place = process.env.MEDTUNE_PLACE
  await runAttempt(file, sheet, place ? { place } : {}, (run) => toyRun(sheet, run))
}
