/** @file Records now and then what a run takes of its machine, so that a slow or a growing one can be told later. */
import type { RunEventBody } from '../plugin/contract.ts'

const EVERY_MS = 5000

/** Emits a `system` event every 5 s until the function that it returns is called. */
export function recordSystem(emit: (event: RunEventBody) => void, every = EVERY_MS): () => void {
  let [used, since] = [process.cpuUsage(), performance.now()]
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(used)
    const now = performance.now()
    // Threads of this process count, so a step on two cores is 2. Microseconds by milliseconds.
    const cpu = (user + system) / 1000 / (now - since)
    ;[used, since] = [process.cpuUsage(), now]
    emit({ type: 'system', rss_bytes: process.memoryUsage.rss(), cpu: Math.round(100 * cpu) / 100 })
  }, every)
  timer.unref()
  return () => clearInterval(timer)
}
