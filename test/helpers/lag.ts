/** @file How long a process kept its event loop from turning, as against how long others kept the process from running. */

export interface Lag {
  /** The longest time between two turns, ms, as far as this process itself was busy in it. */
  longest(): number
  stop(): void
}

/**
 * Watches the loop of this process. On a machine that others use too, time passes in which the process does not run
 * at all; of each gap only as much counts as the process computed in it.
 */
export function watchLag(): Lag {
  let longest = 0
  let [wall, used] = [performance.now(), process.cpuUsage()]
  const timer = setInterval(() => {
    const [now, { user, system }] = [performance.now(), process.cpuUsage(used)]
    longest = Math.max(longest, Math.min(now - wall, (user + system) / 1000))
    ;[wall, used] = [now, process.cpuUsage()]
  }, 5)
  return { longest: () => longest, stop: () => clearInterval(timer) }
}
