/** @file What there is of a run that has not written what it trained: how it stands, and what can be used meanwhile. */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { readObject } from '../track/read/files.ts'
import { heartbeatOf, standing } from '../track/read/liveness.ts'
import type { RunRecord } from '../track/run-folder.ts'
import { listCheckpoints } from '../train/checkpoint.ts'

/** Whether a folder holds an adapter or a model, by the file that describes it. */
export function isTrained(folder: string): boolean {
  return ['adapter_config.json', 'config.json'].some((name) => existsSync(join(folder, name)))
}

/** `running`, `stopped`, ... as `medtune runs` has it; undefined where run.json cannot be read. */
export async function runStatus(folder: string): Promise<string | undefined> {
  const record = await readObject(folder, 'run.json')
  return record.ok ? standing(heartbeatOf(record.value)) : undefined
}

/**
 * A sentence for an error about a run whose folder `adapter` holds nothing: why, and what to give in its place.
 * @param place the run's folder
 * @param use what is done with a folder, such as `push`
 */
export async function unfinished(place: string, use: string): Promise<string> {
  const near = relative(process.cwd(), place)
  const folder = near === '' || near.startsWith('..') ? place : near
  const record = await readObject(folder, 'run.json')
  const { step = 0, steps, reason }: Partial<RunRecord> = record.ok ? record.value : {}
  const status = record.ok ? standing(heartbeatOf(record.value)) : undefined
  const kept = await listCheckpoints(join(folder, 'checkpoints'))
  // run.json is written every few seconds; a checkpoint may be newer.
  const done = Math.max(step, kept[0]?.step ?? 0)
  const at = steps === undefined ? `step ${done}` : `step ${done} of ${steps}`
  const newest = kept.map(({ path }) => join(path, 'adapter')).find(isTrained)
  const instead =
    newest === undefined ? undefined : `${use} its newest checkpoint, ${newest}, which is an adapter too`
  if (status === 'running') {
    const next =
      instead === undefined
        ? '; it has made no checkpoint yet (checkpoint.every, checkpoint.minutes)'
        : `, or ${instead}`
    return `${folder}: this run is still at work, at ${at}; what it trains is written at its end. Wait for that${next}`
  }
  if (status === 'done') return `${folder}: this run is finished, but its folder adapter is gone or damaged`
  const why = reason === undefined ? (status ?? 'unreadable') : `${status}: ${reason}`
  return `${folder}: this run has not come to its end (${why}), at ${at}. Go on with \`medtune resume ${folder}\`${instead === undefined ? '' : `, or ${instead}`}`
}
