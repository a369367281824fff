/** @file What a sweep came to, for a reader of the terminal. */
import { relative } from 'node:path'
import type { Params } from '../../plugin/contract.ts'
import type { SessionResult } from '../../sweep/session.ts'
import type { Trial } from '../../track/sweep-journal.ts'
import { countTrials, ranking } from '../../track/sweep-trials.ts'

type Paint = (text: string) => string

/** `adapter.rank=8 optimizer.lr=0.0021` */
export function paramsText(params: Params): string {
  return Object.entries(params)
    .map(([path, value]) => `${path}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

/** Values that differ between trials; those that are the same in all of them say nothing. */
export function varied(params: Params, trials: readonly Trial[]): Params {
  const first = trials[0]?.params ?? {}
  const differs = (path: string): boolean =>
    trials.some((trial) => JSON.stringify(trial.params[path]) !== JSON.stringify(first[path]))
  return Object.fromEntries(Object.entries(params).filter(([path]) => trials.length < 2 || differs(path)))
}

export function summarise(result: SessionResult, bold: Paint = (text) => text): string {
  const { header, trials, folder, status, reason } = result
  const counts = countTrials(trials)
  const told = Object.entries(counts).filter(([, n]) => n > 0)
  const best = ranking(result)[0]
  const where = relative(process.cwd(), folder) || '.'
  return [
    `${bold(header.name)}: ${status}, ${reason}`,
    `${trials.length} trials: ${told.map(([name, n]) => `${n} ${name}`).join(', ') || 'none'}`,
    best
      ? `best ${header.metric.name}: ${Number(best.value!.toPrecision(6))} by ${best.id}, ${paramsText(varied(best.params, trials))}`
      : 'no trial came to a value',
    ...reasonsOf(trials),
    `sweep folder: ${where}`,
    status === 'stopped'
      ? `go on with: medtune sweep resume ${where}`
      : `medtune sweep best ${where} --write best.yaml`,
    '',
  ].join('\n')
}

/** Why trials failed, the commonest reason first. */
function reasonsOf(trials: readonly Trial[]): readonly string[] {
  const reasons = new Map<string, string[]>()
  for (const { status, reason, id } of trials) {
    if (status === 'failed') reasons.set(reason ?? '', [...(reasons.get(reason ?? '') ?? []), id])
  }
  return [...reasons]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(
      ([reason, ids]) =>
        `failed: ${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ` and ${ids.length - 3} more` : ''}: ${reason}`,
    )
}
