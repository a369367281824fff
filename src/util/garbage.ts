/** @file Gives back what reading has left on the heap, before hours in which this thread hardly allocates. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** V8 collects when it needs room; a thread that waits for a worker would hold on to its garbage until the end. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  collect()
}
