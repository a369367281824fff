/** @file Lets other work of the process have its turn during a long one. */

const LONGEST_MS = 15

/** A function to await between parts of a long work; it gives way once 15 ms have passed since it last did. */
export function breather(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < LONGEST_MS) return
    await new Promise<void>((resolve) => setTimeout(resolve))
    since = performance.now()
  }
}
