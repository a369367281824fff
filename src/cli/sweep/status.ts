/** @file `medtune sweep status`: how the trials of a sweep stand. */
import path from 'node:path'
import { stringify } from '../../track/json.ts'
import { readObject } from '../../track/read/files.ts'
import { sweepStanding } from '../../track/read/liveness.ts'
import { readSweep, type SweepState, type Trial } from '../../track/sweep-journal.ts'
import { countTrials } from '../../track/sweep-trials.ts'
import type { JsonObject } from '../../util/json-object.ts'
import { colorsFor } from '../colors.ts'
import { duration } from '../format.ts'
import { namedSweep } from '../named-run.ts'
import type { SweepFlags } from './program.ts'
import { paramsText, varied } from './summary.ts'

export async function status(word: string, { runsDir, json }: SweepFlags): Promise<number> {
  const folder = await namedSweep(word, runsDir)
  const state = readSweep(folder)
  const card = await readObject(folder, 'sweep.json')
  const stands = standing(state, card.ok ? card.value : {})
  if (json) {
    const { header, trials } = state
    const { id, name, metric, space } = header
    const body = { folder: path.resolve(folder), id, name, status: stands, metric, space }
    process.stdout.write(`${stringify({ ...body, counts: countTrials(trials), trials }, 2)}\n`)
    return 0
  }
  const colors = colorsFor(process.stdout)
  const counts = Object.entries(countTrials(state.trials)).filter(([, n]) => n > 0)
  const head = `${colors.bold(state.header.name)}: ${stands}; ${counts.map(([what, n]) => `${n} ${what}`).join(', ') || 'no trial yet'}`
  const lines = state.trials.map((trial) => lineOf(trial, state))
  process.stdout.write(`${[head, ...lines].join('\n')}\n`)
  return 0
}

function standing({ end }: SweepState, card: JsonObject): string {
  if (end) return `${end.status} (${end.reason})`
  return sweepStanding(end, card) === 'running'
    ? 'running'
    : 'interrupted (nobody runs it; medtune sweep resume goes on)'
}

function lineOf(trial: Trial, { trials }: SweepState): string {
  const { id, status: stands, value, seconds, reports, reason, params, attempt } = trial
  const last = reports.at(-1)
  return [
    id,
    stands.padEnd(7),
    value === undefined ? '-'.padEnd(10) : String(Number(value.toPrecision(6))).padEnd(10),
    seconds === undefined ? '' : duration(seconds),
    paramsText(varied(params, trials)),
    stands === 'running' && last ? `(step ${last.step}: ${Number(last.value.toPrecision(5))})` : '',
    attempt > 1 ? `(attempt ${attempt})` : '',
    stands === 'failed' || stands === 'waiting' ? (reason ?? '') : '',
  ]
    .filter((part) => part !== '')
    .join('  ')
}
