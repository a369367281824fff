/** @file Things with a lifetime, closed in reverse order however their use ends; and what may end them early. */

interface Closable {
  close(): Promise<void>
}

/** Runs `body`; whatever it takes through `use` is closed afterwards. The body's own error wins over one of closing. */
export async function closing<T>(
  body: (use: <C extends Closable>(resource: Promise<C>) => Promise<C>) => Promise<T>,
): Promise<T> {
  const open: Closable[] = []
  const result = await body(async (resource) => {
    const made = await resource
    open.unshift(made)
    return made
  }).catch(async (error) => {
    await Promise.allSettled(open.map((resource) => resource.close()))
    throw error
  })
  for (const resource of open) await resource.close()
  return result
}

/** A signal that aborts with the first of those given. */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined))
}
