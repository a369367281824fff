/** @file How a run stands, as against what its run.json says: one that says `running` may have died. */
import type { JsonObject } from '../../util/json-object.ts'
import { lifeOf, thisProcess } from '../process-id.ts'

/** Heartbeats come every 10 s; one that is so old has stopped. */
const SILENT_MS = 60_000
/** A process that lives but is silent for so long is another one, under the number of the dead. */
const REUSED_MS = 10 * 60_000

export interface Heartbeat {
  readonly status: string
  readonly heartbeat?: string
  readonly pid?: number
  readonly host?: string
}

/** What run.json or sweep.json says of it. */
export function heartbeatOf({ status, heartbeat, pid, host }: JsonObject): Heartbeat {
  return {
    status: typeof status === 'string' ? status.slice(0, 2000) : 'unreadable',
    ...(typeof heartbeat === 'string' ? { heartbeat } : {}),
    ...(typeof pid === 'number' ? { pid } : {}),
    ...(typeof host === 'string' ? { host } : {}),
  }
}

/**
 * The status of run.json, or `crashed` where it says `running` and nothing runs: the process is gone, or, on
 * another machine, no heartbeat came for a minute.
 */
export function standing(record: Heartbeat, now = Date.now()): string {
  if (record.status !== 'running') return record.status
  const age = now - Date.parse(record.heartbeat ?? '')
  const life = lifeOfRun(record)
  if (life !== 'unknown') return life === 'alive' && !(age > REUSED_MS) ? 'running' : 'crashed'
  return age <= SILENT_MS ? 'running' : 'crashed'
}

/**
 * How a sweep stands: as its journal says that it ended; else `running`, or `crashed` where nobody runs it, which shows in
 * the heartbeat of its card.
 */
export function sweepStanding(end: { readonly status: string } | undefined, card: JsonObject): string {
  return end?.status ?? standing(heartbeatOf({ ...card, status: 'running' }))
}

function lifeOfRun({ host, pid }: Heartbeat): ReturnType<typeof lifeOf> {
  if (host === undefined || pid === undefined) return 'unknown'
  const self = thisProcess()
  const { space } = self
  return lifeOf({ host, pid, ...(space === undefined ? {} : { space }) }, self)
}
